#include "minidocker/images/manifest.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::images {

namespace {

using nlohmann::json;

std::map<std::string, std::string> parse_annotations(const json& object, std::string_view what) {
  std::map<std::string, std::string> annotations;
  const json* member = find_member(object, "annotations");
  if (member == nullptr) return annotations;
  if (!member->is_object()) refuse_member(what, "annotations", "an object of strings");
  for (const auto& [key, value] : member->items()) {
    if (!value.is_string()) refuse_member(what, "annotations", "an object of strings");
    annotations.emplace(key, value.get<std::string>());
  }
  return annotations;
}

std::optional<Platform> parse_platform(const json& object, std::string_view what) {
  const json* member = find_member(object, "platform");
  if (member == nullptr) return std::nullopt;
  return Platform{string_member(*member, "os", what), string_member(*member, "architecture", what),
                  string_member(*member, "variant", what)};
}

Descriptor parse_descriptor(const json& object, const std::string& what) {
  if (!object.is_object()) {
    throw Error(ErrorKind::invalid_argument, what + ": must be a JSON object");
  }
  const std::string digest = string_member(object, "digest", what);
  if (!Digest::find(digest)) refuse_member(what, "digest", "sha256: and 64 hex digits");
  return {string_member(object, "mediaType", what), Digest::parse(digest),
          number_member(object, "size", what), parse_platform(object, what),
          parse_annotations(object, what)};
}

std::vector<Descriptor> parse_descriptors(const json& document, const char* key,
                                          std::string_view what, std::size_t limit) {
  const json* member = find_member(document, key);
  if (member == nullptr || !member->is_array()) refuse_member(what, key, "an array");
  if (member->size() > limit) {
    refuse_member(what, key, fmt::format("an array of at most {} elements", limit));
  }
  std::vector<Descriptor> descriptors;
  for (std::size_t i = 0; i < member->size(); ++i) {
    descriptors.push_back(parse_descriptor((*member)[i], fmt::format("{}: {}[{}]", what, key, i)));
  }
  return descriptors;
}

json parse_versioned(std::string_view text, std::string_view what) {
  json document = parse_document(text, what);
  const json* version = find_member(document, "schemaVersion");
  if (version == nullptr || *version != 2) {
    refuse_member(what, "schemaVersion", "2 (older manifests carry no digest of their config)");
  }
  return document;
}

json platform_json(const Platform& platform) {
  json object{{"os", platform.os}, {"architecture", platform.architecture}};
  if (!platform.variant.empty()) object["variant"] = platform.variant;
  return object;
}

json descriptor_json(const Descriptor& descriptor) {
  json object{{"mediaType", descriptor.media_type},
              {"digest", descriptor.digest.str()},
              {"size", descriptor.size}};
  if (descriptor.platform) object["platform"] = platform_json(*descriptor.platform);
  if (!descriptor.annotations.empty()) object["annotations"] = descriptor.annotations;
  return object;
}

json descriptors_json(const std::vector<Descriptor>& descriptors) {
  json array = json::array();
  for (const Descriptor& descriptor : descriptors) array.push_back(descriptor_json(descriptor));
  return array;
}

}  // namespace

Platform Platform::here() {
  struct utsname name{};
  ::uname(&name);
  const std::string_view machine = name.machine;
  if (machine == "x86_64") return {"linux", "amd64", ""};
  if (machine == "aarch64") return {"linux", "arm64", "v8"};
  return {"linux", std::string(machine), ""};
}

Platform Platform::parse(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  const bool good = (parts.size() == 2 || parts.size() == 3) &&
                    std::ranges::none_of(parts, [](const auto& part) { return part.empty(); });
  if (!good) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{} is no platform: OS/ARCHITECTURE[/VARIANT] is, such as linux/arm64",
                            minidocker::quoted(text)));
  }
  return {parts[0], parts[1], parts.size() == 3 ? parts[2] : ""};
}

std::string Platform::str() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

bool Platform::fits(const Platform& host) const {
  return os == host.os && architecture == host.architecture &&
         (variant.empty() || host.variant.empty() || variant == host.variant);
}

bool is_manifest_type(std::string_view media_type) {
  return media_type == kOciManifest || media_type == kDockerManifest;
}

bool is_index_type(std::string_view media_type) {
  return media_type == kOciIndex || media_type == kDockerIndex;
}

Manifest parse_manifest(std::string_view text, std::string_view what) {
  const json document = parse_versioned(text, what);
  const std::string type = string_member(document, "mediaType", what);
  if (!type.empty() && !is_manifest_type(type)) {
    refuse_member(what, "mediaType", "that of an image manifest, not " + minidocker::quoted(type));
  }
  const json* config = find_member(document, "config");
  if (config == nullptr) refuse_member(what, "config", "a descriptor");
  return {parse_descriptor(*config, fmt::format("{}: config", what)),
          parse_descriptors(document, "layers", what, kMaxLayers)};
}

Index parse_index(std::string_view text, std::string_view what) {
  const json document = parse_versioned(text, what);
  const std::string type = string_member(document, "mediaType", what);
  if (!type.empty() && !is_index_type(type)) {
    refuse_member(what, "mediaType", "that of an image index, not " + minidocker::quoted(type));
  }
  return {parse_descriptors(document, "manifests", what, kMaxManifests)};
}

std::string to_json(const Manifest& manifest) {
  return json{{"schemaVersion", 2},
              {"mediaType", kOciManifest},
              {"config", descriptor_json(manifest.config)},
              {"layers", descriptors_json(manifest.layers)}}
      .dump();
}

std::string to_json(const Index& index) {
  return json{{"schemaVersion", 2},
              {"mediaType", kOciIndex},
              {"manifests", descriptors_json(index.manifests)}}
      .dump();
}

bool is_attestation(const Descriptor& descriptor) {
  return descriptor.annotations.contains("vnd.docker.reference.type") ||
         (descriptor.platform && descriptor.platform->os == "unknown");
}

}  // namespace minidocker::images
