#include "inspect_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace minidocker::cli {

namespace {

using nlohmann::ordered_json;

constexpr const char* kNever = "0001-01-01T00:00:00Z";

/// The members of an image's `config`, in docker's order; others follow.
ordered_json in_order(const std::string& text) {
  ordered_json config = ordered_json::object();
  const ordered_json given = text.empty() ? ordered_json::object() : ordered_json::parse(text);
  for (const char* key :
       {"Hostname",     "Domainname",  "User",       "AttachStdin", "AttachStdout", "AttachStderr",
        "ExposedPorts", "Tty",         "OpenStdin",  "StdinOnce",   "Env",          "Cmd",
        "Healthcheck",  "ArgsEscaped", "Image",      "Volumes",     "WorkingDir",   "Entrypoint",
        "OnBuild",      "Labels",      "StopSignal", "Shell"}) {
    if (given.contains(key)) config[key] = given.at(key);
  }
  for (const auto& [key, value] : given.items()) {
    if (!config.contains(key)) config[key] = value;
  }
  return config;
}

ordered_json graph_driver(const engine::ImageDetails& image) {
  ordered_json data = ordered_json::object();
  if (!image.folders.empty()) {
    const std::vector<std::string> lower(image.folders.begin() + 1, image.folders.end());
    if (!lower.empty()) data["LowerDir"] = fmt::format("{}", fmt::join(lower, ":"));
    data["UpperDir"] = image.folders.front();
  }
  return {{"Data", data}, {"Name", image.driver}};
}

std::string or_never(const std::string& time) { return time.empty() ? kNever : time; }

ordered_json state_of(const engine::ContainerDetails& container) {
  const bool runs = container.summary.state == engine::State::running;
  return {{"Status", container.status},
          {"Running", runs},
          {"Paused", false},
          {"Restarting", false},
          {"OOMKilled", false},
          {"Dead", false},
          {"ExitCode", container.summary.exit_code},
          {"Error", container.error},
          {"StartedAt", or_never(container.started)},
          {"FinishedAt", or_never(container.finished)}};
}

ordered_json mounts_of(const engine::ContainerDetails& container) {
  ordered_json mounts = ordered_json::array();
  for (const engine::MountDetails& mount : container.mounts) {
    mounts.push_back({{"Type", "bind"},
                      {"Source", mount.source},
                      {"Destination", mount.destination},
                      {"Mode", mount.is_read_only ? "ro" : ""},
                      {"RW", !mount.is_read_only},
                      {"Propagation", mount.propagation}});
  }
  return mounts;
}

ordered_json config_of(const engine::ContainerDetails& container) {
  return {{"Hostname", container.hostname},
          {"User", container.user},
          {"Tty", container.has_terminal},
          {"OpenStdin", container.is_interactive},
          {"Env", container.env},
          {"Image", container.summary.image},
          {"WorkingDir", container.working_dir}};
}

}  // namespace

ordered_json to_json(const engine::ImageDetails& image) {
  ordered_json layers = ordered_json::array();
  for (const engine::LayerSummary& layer : image.layers) layers.push_back(layer.diff_id);
  ordered_json json{{"Id", "sha256:" + image.summary.id},
                    {"RepoTags", image.summary.tags},
                    {"RepoDigests", image.summary.digests},
                    {"Parent", ""},
                    {"Comment", image.comment},
                    {"Created", or_never(image.created)},
                    {"DockerVersion", image.docker_version},
                    {"Author", image.author},
                    {"Config", in_order(image.defaults)},
                    {"Architecture", image.architecture}};
  if (!image.variant.empty()) json["Variant"] = image.variant;
  json["Os"] = image.os;
  json["Size"] = image.summary.size.value;
  json["GraphDriver"] = graph_driver(image);
  json["RootFS"] = {{"Type", "layers"}, {"Layers", layers}};
  json["Metadata"] = {{"LastTagTime", kNever}};
  return json;
}

ordered_json to_json(const engine::ContainerDetails& container) {
  const std::vector<std::string> args(container.args.begin() + (container.args.empty() ? 0 : 1),
                                      container.args.end());
  return {{"Id", container.summary.id},
          {"Created", container.created},
          {"Path", container.args.empty() ? "" : container.args.front()},
          {"Args", args},
          {"State", state_of(container)},
          {"Image", "sha256:" + container.image_id},
          {"ResolvConfPath", container.directory + "/resolv.conf"},
          {"HostnamePath", container.directory + "/hostname"},
          {"HostsPath", container.directory + "/hosts"},
          {"Name", "/" + container.summary.name},
          {"RestartCount", 0},
          {"Driver", container.driver},
          {"Platform", "linux"},
          {"HostConfig",
           {{"AutoRemove", container.is_removed_at_end},
            {"Runtime", container.runtime},
            {"ReadonlyRootfs", container.is_read_only}}},
          {"Mounts", mounts_of(container)},
          {"Config", config_of(container)}};
}

}  // namespace minidocker::cli
