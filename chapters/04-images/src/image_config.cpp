#include "minidocker/images/image_config.hpp"

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"

namespace minidocker::images {

namespace {

using nlohmann::json;

// Sets are written as objects with empty values: {"/data": {}}.
std::vector<std::string> keys_member(const json& object, const char* key, std::string_view what) {
  std::vector<std::string> keys;
  const json* member = find_member(object, key);
  if (member == nullptr) return keys;
  if (!member->is_object()) refuse_member(what, key, "an object");
  for (const auto& item : member->items()) keys.push_back(item.key());
  return keys;
}

std::vector<Digest> parse_diff_ids(const json& document, std::string_view what) {
  const json* rootfs = find_member(document, "rootfs");
  if (rootfs == nullptr || !rootfs->is_object()) refuse_member(what, "rootfs", "an object");
  std::vector<Digest> diff_ids;
  for (const std::string& text : strings_member(*rootfs, "diff_ids", what)) {
    if (!Digest::find(text)) refuse_member(what, "diff_ids", "an array of sha256 digests");
    diff_ids.push_back(Digest::parse(text));
  }
  if (diff_ids.size() > kMaxLayers) refuse_member(what, "diff_ids", "at most 500 digests");
  return diff_ids;
}

void parse_process(const json& config, std::string_view what, ImageConfig& out) {
  out.user = string_member(config, "User", what);
  out.env = strings_member(config, "Env", what);
  out.entrypoint = strings_member(config, "Entrypoint", what);
  out.cmd = strings_member(config, "Cmd", what);
  out.working_dir = string_member(config, "WorkingDir", what);
  out.volumes = keys_member(config, "Volumes", what);
}

}  // namespace

ImageConfig parse_image_config(std::string_view text, std::string_view what) {
  const json document = parse_document(text, what);
  ImageConfig config;
  config.platform = {string_member(document, "os", what),
                     string_member(document, "architecture", what),
                     string_member(document, "variant", what)};
  config.created = string_member(document, "created", what);
  if (const json* process = find_member(document, "config"); process != nullptr) {
    if (!process->is_object()) refuse_member(what, "config", "an object");
    parse_process(*process, what, config);
  }
  config.diff_ids = parse_diff_ids(document, what);
  return config;
}

}  // namespace minidocker::images
