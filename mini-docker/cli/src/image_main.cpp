// images, tag, rmi, history, inspect, image check and tree.
#include <fmt/format.h>

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "flag_parser.hpp"
#include "image_filters.hpp"
#include "image_listings.hpp"
#include "image_picture.hpp"
#include "inspect_json.hpp"
#include "usage_error.hpp"
#include "warnings.hpp"

namespace minidocker::cli {

namespace {

constexpr int kBadTemplate = 64;

/// Prints the objects of all names that `find` finds: a list, or each in a format. The others are
/// told of, and make the exit code 1.
template <class Find>
int print_inspected(const Words& names, const std::string& format, Find find) {
  const FormatTemplate wanted(format == "json" ? "{{json .}}" : format, kBadTemplate);
  nlohmann::ordered_json objects = nlohmann::ordered_json::array();
  int code = 0;
  for (const std::string& name : names) {
    try {
      objects.push_back(find(name));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;
      fmt::print(stderr, "mini-docker: {}\n", error.what());
      code = kFailed;
    }
  }
  if (format.empty()) {
    print(objects.dump(4) + "\n");
    return code;
  }
  for (const nlohmann::ordered_json& object : objects) print(wanted.apply(object) + "\n");
  return code;
}

nlohmann::ordered_json inspect_any(const engine::Engine& engine, const std::string& name,
                                   const std::string& type) {
  const auto is_wanted = [&type](const char* kind) { return type.empty() || type == kind; };
  try {
    if (is_wanted("container")) return to_json(engine.inspect_container(name));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found || type == "container") throw;
  }
  try {
    return to_json(engine.inspect_image(name));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found || type == "image") throw;
  }
  throw Error(ErrorKind::not_found, "No such object: " + name);
}

ImagePicture picture_of(const engine::Engine& engine, const Words& names) {
  std::vector<engine::ImageDetails> images;
  for (const std::string& name : names) images.push_back(engine.inspect_image(name));
  return ImagePicture(images);
}

Words ids_of(const engine::ImageList& list) {
  Words ids;
  for (const engine::ImageSummary& image : list.images) ids.push_back(image.id);
  return ids;
}

/// In docker's words.
void refuse_with_tree(bool given, std::string_view flag) {
  if (given) throw UsageError(fmt::format("{} is not yet supported with --tree", flag), kFailed);
}

}  // namespace

int list_images(const Globals& globals, const Words& args) {
  bool quiet = false;
  bool whole = false;
  bool all = false;
  bool digests = false;
  bool tree = false;
  Words filters;
  Words format;
  FlagParser flags("List images, all of them or those of a name", "mini-docker images");
  flags.add_switch("-a,--all", all,
                   "also those that other images were built on: here all are shown");
  flags.add_switch("--digests", digests, "what registries call them, too");
  flags.add_list("-f,--filter", filters,
                 "dangling=true|false, label=KEY[=VALUE], reference=PATTERN, before=IMAGE, "
                 "since=IMAGE");
  flags.add_list("--format", format, "table, json, or a template: {{.ID}}");
  flags.add_switch("-q,--quiet", quiet, "only ids");
  flags.add_switch("--no-trunc", whole, "do not cut anything");
  flags.add_switch("--tree", tree, "the layers that they share");
  const Words names = flags.parse_names(args);
  if (names.size() > 1) {
    throw UsageError("'mini-docker images' requires at most 1 argument", kFailed);
  }
  if (tree) {
    refuse_with_tree(quiet, "--quiet");
    refuse_with_tree(whole, "--no-trunc");
    refuse_with_tree(digests, "--show-digest");
    refuse_with_tree(!format.empty(), "--format");
  }
  engine::ImageFilters wanted = parse_image_filters(filters);
  wanted.references.insert(wanted.references.end(), names.begin(), names.end());
  const engine::Engine engine = open_engine(globals);
  const engine::ImageList found = engine.images(wanted);
  warn(found.warnings);
  if (tree) {
    print(picture_of(engine, ids_of(found)).as_text());
    return 0;
  }
  const Listing listing =
      images_listing(found.images, std::time(nullptr), whole ? Cut::no : Cut::yes,
                     digests ? Digests::shown : Digests::hidden);
  print(listed(listing, quiet ? "{{.ID}}" : last(format)));
  return 0;
}

int tag(const Globals& globals, const Words& args) {
  FlagParser flags("Give an image one more name", "mini-docker tag");
  const Words names = flags.parse_names(args);
  require_count(names, 2, "tag");
  open_engine(globals).tag(names[0], names[1]);
  return 0;
}

int remove_images(const Globals& globals, const Words& args) {
  bool force = false;
  bool no_prune = false;
  FlagParser flags("Remove names of images, and images with their last one", "mini-docker rmi");
  flags.add_switch("-f,--force", force, "also if a container that does not run was made of it");
  flags.add_switch("--no-prune", no_prune, "keep untagged parents: here images have none");
  const Words names = flags.parse_names(args);
  require_some(names, "rmi");
  engine::Engine engine = open_engine(globals);
  int code = 0;
  for (const std::string& name : names) {
    try {
      const engine::RemovedImages gone =
          engine.remove_image(name, force ? engine::Force::yes : engine::Force::no);
      warn(gone.warnings);
      print(removed_in_words(gone.removed, Spelling::capitals));
    } catch (const Error& error) {
      fmt::print(stderr, "mini-docker: {}\n", error.what());
      if (!(force && error.kind() == ErrorKind::not_found)) code = kFailed;
    }
  }
  return code;
}

int history(const Globals& globals, const Words& args) {
  bool quiet = false;
  bool whole = false;
  bool human = true;
  Words format;
  FlagParser flags("Show how an image came to be", "mini-docker history");
  flags.add_switch("-H,--human", human, "sizes and times for people (default true)");
  flags.add_switch("-q,--quiet", quiet, "only ids");
  flags.add_switch("--no-trunc", whole, "do not cut anything");
  flags.add_list("--format", format, "table, json, or a template: {{.ID}}");
  const Words names = flags.parse_names(args);
  require_count(names, 1, "history");
  const Listing listing =
      history_listing(open_engine(globals).history(names.front()), std::time(nullptr),
                      whole ? Cut::no : Cut::yes, human ? Human::yes : Human::no);
  print(listed(listing, quiet ? "{{.ID}}" : last(format)));
  return 0;
}

int inspect(const Globals& globals, const Words& args) {
  Words format;
  Words type;
  FlagParser flags("Print all that is known of containers and images", "mini-docker inspect");
  flags.add_list("-f,--format", format, "json, or a template: {{.Id}}");
  flags.add_list("--type", type, "container or image");
  const Words names = flags.parse_names(args);
  require_some(names, "inspect");
  const std::string kind = last(type);
  if (!kind.empty() && kind != "container" && kind != "image") {
    throw UsageError(fmt::format("unknown type: \"{}\": must be one of \"container\" or "
                                 "\"image\"",
                                 kind),
                     kFailed);
  }
  const engine::Engine engine = open_engine(globals);
  return print_inspected(names, last(format),
                         [&](const std::string& name) { return inspect_any(engine, name, kind); });
}

int inspect_images(const Globals& globals, const Words& args) {
  Words with_type{"--type", "image"};
  with_type.insert(with_type.end(), args.begin(), args.end());
  return inspect(globals, with_type);
}

int check_images(const Globals& globals, const Words& args) {
  FlagParser flags("Read all images again, and tell what is missing or damaged",
                   "mini-docker image check");
  require_count(flags.parse_names(args), 0, "image check");
  const std::vector<std::string> findings = open_engine(globals).check_images();
  for (const std::string& finding : findings) print(finding + "\n");
  return findings.empty() ? 0 : kFailed;
}

int image_tree(const Globals& globals, const Words& args) {
  bool svg = false;
  FlagParser flags("Show the layers of images, and which they share", "mini-docker image tree");
  flags.add_switch("--svg", svg, "as a picture");
  Words names = flags.parse_names(args);
  const engine::Engine engine = open_engine(globals);
  if (names.empty()) names = ids_of(engine.images());
  const ImagePicture picture = picture_of(engine, names);
  print(svg ? picture.as_svg() : picture.as_text());
  return 0;
}

}  // namespace minidocker::cli
