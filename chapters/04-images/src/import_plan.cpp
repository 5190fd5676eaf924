#include "import_plan.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images_unpack {

namespace {

using images::Descriptor;
using images::ImageName;
using images::Manifest;
using images::Platform;

constexpr int kMaxIndexDepth = 4;

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", what, why));
}

void check_counts(const PlannedImage& image) {
  if (image.config.diff_ids.size() != image.layers.size()) {
    refuse("image archive: config " + image.config_file.digest.str(),
           fmt::format("names {} layers, the manifest {}", image.config.diff_ids.size(),
                       image.layers.size()));
  }
}

// The name of an image in an OCI layout. containerd and docker annotate the full name; others
// only what the specification knows, which may be a bare tag and then names nothing.
std::vector<ImageName> names_of(const Descriptor& entry) {
  const auto full = entry.annotations.find(images::kNameAnnotation);
  if (full != entry.annotations.end()) return {ImageName::parse(full->second)};
  const auto ref = entry.annotations.find(images::kRefAnnotation);
  if (ref != entry.annotations.end() && ref->second.find_first_of(":/") != std::string::npos) {
    return {ImageName::parse(ref->second)};
  }
  return {};
}

// Which platform is looked for, and which others were met.
struct Wanted {
  const Platform& platform;
  std::set<std::string> others;
};

// Follows indexes in indexes down to the manifest for the platform. Null if there is none.
std::optional<Descriptor> find_manifest(ImportSource& source, const Descriptor& entry,
                                        Wanted& wanted, int depth) {
  if (images::is_attestation(entry)) return std::nullopt;
  if (entry.platform && !entry.platform->fits(wanted.platform)) {
    wanted.others.insert(entry.platform->str());
    return std::nullopt;
  }
  if (!images::is_index_type(entry.media_type)) return entry;
  if (depth == kMaxIndexDepth) {
    refuse("image archive: index " + entry.digest.str(), "indexes are nested too deep");
  }
  const std::string what = "image archive: index " + entry.digest.str();
  const images::Index index = images::parse_index(read_staged(source.get_blob(entry), what), what);
  for (const Descriptor& inner : index.manifests) {
    if (std::optional<Descriptor> found = find_manifest(source, inner, wanted, depth + 1)) {
      return found;
    }
  }
  return std::nullopt;
}

std::string others_in_words(const std::set<std::string>& others) {
  if (others.empty()) return ": it holds no image";
  return fmt::format(" among those it holds: {}", fmt::join(others, ", "));
}

PlannedImage plan_manifest(ImportSource& source, const Descriptor& descriptor,
                           std::vector<ImageName> names) {
  const std::string what = "image archive: manifest " + descriptor.digest.str();
  if (!images::is_manifest_type(descriptor.media_type)) {
    refuse(what, "media type " + minidocker::quoted(descriptor.media_type) + " is no image");
  }
  std::string text = read_staged(source.get_blob(descriptor), what);
  const Manifest manifest = images::parse_manifest(text, what);
  const std::string config_what = "image archive: config " + manifest.config.digest.str();
  StagedFile config_file = source.get_blob(manifest.config);
  PlannedImage image{descriptor,
                     std::move(text),
                     images::parse_image_config(read_staged(config_file, config_what), config_what),
                     config_file,
                     {},
                     std::move(names)};
  for (const Descriptor& layer : manifest.layers) image.layers.push_back(source.get_blob(layer));
  check_counts(image);
  return image;
}

std::vector<PlannedImage> plan_layout(ImportSource& source, const std::string& from,
                                      const std::string& text, const Platform& platform) {
  const std::string what = from + ": index.json";
  std::vector<PlannedImage> images;
  Wanted wanted{platform, {}};
  for (const Descriptor& entry : images::parse_index(text, what).manifests) {
    const std::optional<Descriptor> found = find_manifest(source, entry, wanted, 0);
    if (!found) continue;
    const auto same = std::ranges::find(images, found->digest,
                                        [](const PlannedImage& i) { return i.manifest.digest; });
    if (same == images.end()) {
      images.push_back(plan_manifest(source, *found, names_of(entry)));
    } else {
      std::ranges::copy(names_of(entry), std::back_inserter(same->names));
    }
  }
  if (images.empty()) {
    throw Error(ErrorKind::not_found, fmt::format("{}: no matching manifest for {}{}", from,
                                                  platform.str(), others_in_words(wanted.others)));
  }
  return images;
}

// --- docker save -----------------------------------------------------------------------------

StagedFile get_file(ImportSource& source, const std::string& name, const std::string& from) {
  if (std::optional<StagedFile> file = source.find(name)) return std::move(*file);
  throw Error(ErrorKind::not_found, fmt::format("{}: manifest.json names {}, which is missing",
                                                from, minidocker::quoted(name)));
}

Descriptor descriptor_of(const char* media_type, const StagedFile& file) {
  return {media_type, file.digest, file.size};
}

// `docker save` writes plain archives, other programs that write its form compress some.
Descriptor describe_layer(const StagedFile& file) {
  const UniqueFd fd = sys::open(file.path.c_str(), O_RDONLY).or_throw(file.path);
  std::array<char, 4> magic{};
  const std::size_t got = sys::read(fd.get(), magic.data(), magic.size()).or_throw(file.path);
  const std::string_view begin(magic.data(), got);
  if (begin.starts_with("\x1f\x8b")) return descriptor_of(images::kOciLayerGzip, file);
  if (begin == "\x28\xb5\x2f\xfd") return descriptor_of(images::kOciLayerZstd, file);
  return descriptor_of(images::kOciLayer, file);
}

PlannedImage plan_saved(ImportSource& source, const nlohmann::json& entry,
                        const std::string& from) {
  const std::string what = from + ": manifest.json";
  const std::string config_name = images::string_member(entry, "Config", what);
  StagedFile config_file = get_file(source, config_name, from);
  PlannedImage image{descriptor_of(images::kOciConfig, config_file), {}, {}, config_file, {}, {}};
  image.config =
      images::parse_image_config(read_staged(config_file, config_name), from + ": " + config_name);
  const std::vector<std::string> layers = images::strings_member(entry, "Layers", what);
  if (layers.size() > images::kMaxLayers)
    images::refuse_member(what, "Layers", "at most 500 names");
  for (const std::string& name : layers) image.layers.push_back(get_file(source, name, from));
  check_counts(image);
  for (const std::string& name : images::strings_member(entry, "RepoTags", what)) {
    image.names.push_back(ImageName::parse(name));
  }
  describe(image);
  return image;
}

std::vector<PlannedImage> plan_docker_save(ImportSource& source, const std::string& from,
                                           const std::string& text) {
  const std::string what = from + ": manifest.json";
  const nlohmann::json document = images::parse_document(text, what);
  if (!document.is_array() || document.empty()) refuse(what, "must be an array of images");
  std::vector<PlannedImage> images;
  for (const nlohmann::json& entry : document) images.push_back(plan_saved(source, entry, from));
  return images;
}

}  // namespace

void describe(PlannedImage& image) {
  Manifest manifest{descriptor_of(images::kOciConfig, image.config_file), {}};
  for (const StagedFile& layer : image.layers) manifest.layers.push_back(describe_layer(layer));
  image.manifest_text = images::to_json(manifest);
  image.manifest = {images::kOciManifest, images::Digest::of(image.manifest_text),
                    image.manifest_text.size()};
  image.is_described = true;
}

std::vector<PlannedImage> plan_import(ImportSource& source, const std::string& from,
                                      const Platform& platform) {
  if (const std::optional<std::string> index = source.find_text("index.json")) {
    return plan_layout(source, from, *index, platform);
  }
  if (const std::optional<std::string> saved = source.find_text("manifest.json")) {
    return plan_docker_save(source, from, *saved);
  }
  refuse(from,
         "is no image: it holds neither index.json (OCI image layout) nor manifest.json "
         "(docker save)");
}

}  // namespace minidocker::images_unpack
