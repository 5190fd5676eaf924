// load, save, import, export: images and roots as archives.
#include <string>

#include <fmt/format.h>

#include "commands.hpp"
#include "flag_parser.hpp"
#include "output_file.hpp"
#include "usage_error.hpp"
#include "warnings.hpp"

namespace minidocker::cli {

int load(const Globals& globals, const Words& args) {
  Words input;
  bool quiet = false;
  FlagParser flags("Load an image from an archive or an OCI layout", "mini-docker load");
  flags.add_list("-i,--input", input, "file or directory; else standard input");
  flags.add_switch("-q,--quiet", quiet, "do not tell how far it has come");
  require_count(flags.parse_names(args), 0, "load");

  const engine::LoadedImages loaded = open_engine(globals).load(input.empty() ? "-" : input.back());
  warn(loaded.warnings);
  for (const std::string& name : loaded.names) {
    const bool is_id = name.starts_with("sha256:");
    print(fmt::format("Loaded image{}: {}\n", is_id ? " ID" : "", name));
  }
  return 0;
}

int save(const Globals& globals, const Words& args) {
  Words output;
  Words layout;
  FlagParser flags("Save images to an archive: an OCI layout that docker loads, too",
                   "mini-docker save");
  flags.add_list("-o,--output", output, "file; else standard output");
  flags.add_list("--layout", layout, "a new directory: the same files, not packed");
  const Words names = flags.parse_names(args);
  require_some(names, "save");
  if (!output.empty() && !layout.empty()) {
    throw UsageError("--output and --layout are two places: give one");
  }
  const engine::Engine engine = open_engine(globals);
  if (!layout.empty()) {
    engine.save(names, {.directory = layout.back()});
    return 0;
  }
  OutputFile file(last(output), "save");
  engine.save(names, {.fd = file.fd(), .directory = {}});
  file.commit();
  return 0;
}

int import_root(const Globals& globals, const Words& args) {
  engine::ImportRequest request;
  Words comments;
  FlagParser flags("Make an image of a packed root: a tar archive", "mini-docker import");
  flags.add_list("-c,--change", request.changes, "Dockerfile instruction for its config");
  flags.add_list("-m,--message", comments, "for its history");
  const Words words = flags.parse_names(args);
  if (words.empty() || words.size() > 2) {
    throw UsageError("'mini-docker import' requires 1 or 2 arguments: FILE|- [REPOSITORY[:TAG]]",
                     kFailed);
  }
  request.from = words.front();
  if (request.from.find("://") != std::string::npos) {
    throw UsageError("import takes files only: fetch it, and give `-` to read standard input",
                     kFailed);
  }
  if (words.size() == 2) request.name = words.back();
  request.comment = comments.empty() ? "Imported from -" : comments.back();
  const engine::LoadedImages imported = open_engine(globals).import_root(request);
  warn(imported.warnings);
  for (const std::string& id : imported.ids) print(id + "\n");
  return 0;
}

int export_root(const Globals& globals, const Words& args) {
  Words output;
  FlagParser flags("Write all files of a container as one tar archive", "mini-docker export");
  flags.add_list("-o,--output", output, "file; else standard output");
  const Words names = flags.parse_names(args);
  require_count(names, 1, "export");
  const engine::Engine engine = open_engine(globals);
  OutputFile file(last(output), "export");
  engine.export_root(names.front(), file.fd());
  file.commit();
  return 0;
}

}  // namespace minidocker::cli
