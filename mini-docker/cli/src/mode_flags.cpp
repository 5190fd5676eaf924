#include "mode_flags.hpp"

#include <fmt/format.h>

#include "usage_error.hpp"

namespace minidocker::cli {
namespace {

using engine::IpcMode;
using engine::NamespaceMode;

void refuse_container(const std::string& flag, const std::string& text) {
  if (!text.starts_with("container:")) return;
  throw UsageError(
      fmt::format("run --{} {}: not supported yet: sharing another container's "
                  "namespaces comes with the daemon",
                  flag, text));
}

}  // namespace

NamespaceMode parse_pid_mode(const std::string& text) {
  if (text.empty()) return NamespaceMode::own;
  if (text == "host") return NamespaceMode::host;
  refuse_container("pid", text);
  throw UsageError(
      fmt::format("--pid: invalid PID mode: '{}'; 'host' is what can be chosen", text));
}

NamespaceMode parse_uts_mode(const std::string& text) {
  if (text.empty()) return NamespaceMode::own;
  if (text == "host") return NamespaceMode::host;
  throw UsageError(
      fmt::format("--uts: invalid UTS mode: '{}'; 'host' is what can be chosen", text));
}

NamespaceMode parse_network_mode(const std::string& text) {
  if (text == "none") return NamespaceMode::own;
  if (text == "host") return NamespaceMode::host;
  refuse_container("network", text);
  if (text == "bridge" || text == "default") {
    throw UsageError(
        fmt::format("run --network {}: not supported yet: bridges come with the "
                    "networking chapter; 'none' and 'host' are there",
                    text));
  }
  throw UsageError(fmt::format("network {} not found: only 'none' and 'host' are there yet", text));
}

IpcMode parse_ipc_mode(const std::string& text) {
  if (text.empty() || text == "private" || text == "shareable") return IpcMode::own;
  if (text == "none") return IpcMode::none;
  if (text == "host") return IpcMode::host;
  refuse_container("ipc", text);
  throw UsageError(
      fmt::format("invalid IPC mode: '{}'; private, shareable, none and host are what "
                  "can be chosen",
                  text));
}

void apply_security_option(engine::CreateRequest& request, const std::string& text) {
  const std::size_t cut = text.find_first_of("=:");
  const std::string key = text.substr(0, cut);
  const std::string value = cut == std::string::npos ? "" : text.substr(cut + 1);
  if (key == "no-new-privileges" && (value.empty() || value == "true")) {
    request.no_new_privileges = true;
  } else if (key == "no-new-privileges" && value == "false") {
    request.no_new_privileges = false;
  } else if ((key == "seccomp" || key == "apparmor") && value == "unconfined") {
    return;  // what holds already: neither is there yet
  } else if (key == "label" && value == "disable") {
    return;
  } else if (key == "seccomp" || key == "apparmor" || key == "label" || key == "systempaths") {
    throw UsageError(
        fmt::format("run --security-opt {}: not supported yet: of these, "
                    "no-new-privileges is there",
                    text));
  } else {
    throw UsageError(fmt::format("Invalid --security-opt: \"{}\"", text));
  }
}

}  // namespace minidocker::cli
