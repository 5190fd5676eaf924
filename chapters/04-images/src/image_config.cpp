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

std::map<std::string, std::string> parse_labels(const json& config, std::string_view what) {
  std::map<std::string, std::string> labels;
  const json* member = find_member(config, "Labels");
  if (member == nullptr) return labels;
  if (!member->is_object()) refuse_member(what, "Labels", "an object of strings");
  for (const auto& [key, value] : member->items()) {
    if (!value.is_string()) refuse_member(what, "Labels", "an object of strings");
    labels.emplace(key, value.get<std::string>());
  }
  return labels;
}

std::vector<HistoryStep> parse_history(const json& document, std::string_view what) {
  std::vector<HistoryStep> history;
  const json* member = find_member(document, "history");
  if (member == nullptr) return history;
  if (!member->is_array()) refuse_member(what, "history", "an array of objects");
  for (const json& step : *member) {
    if (!step.is_object()) refuse_member(what, "history", "an array of objects");
    const json* empty = find_member(step, "empty_layer");
    history.push_back({string_member(step, "created", what),
                       string_member(step, "created_by", what),
                       string_member(step, "comment", what), empty != nullptr && *empty == true});
  }
  return history;
}

void parse_process(const json& config, std::string_view what, ImageConfig& out) {
  out.user = string_member(config, "User", what);
  out.env = strings_member(config, "Env", what);
  out.entrypoint = strings_member(config, "Entrypoint", what);
  out.cmd = strings_member(config, "Cmd", what);
  out.working_dir = string_member(config, "WorkingDir", what);
  out.volumes = keys_member(config, "Volumes", what);
  out.labels = parse_labels(config, what);
  // Foreign text: what is no UTF-8 has been refused when it was parsed.
  out.defaults = config.dump();
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
  config.author = string_member(document, "author", what);
  config.docker_version = string_member(document, "docker_version", what);
  config.comment = string_member(document, "comment", what);
  config.history = parse_history(document, what);
  return config;
}

std::vector<Digest> chain_ids(const std::vector<Digest>& diff_ids) {
  std::vector<Digest> chain;
  for (const Digest& id : diff_ids) {
    chain.push_back(chain.empty() ? id : Digest::of(chain.back().str() + " " + id.str()));
  }
  return chain;
}

}  // namespace minidocker::images
