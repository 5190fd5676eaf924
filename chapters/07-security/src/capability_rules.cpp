#include "minidocker/security/capability_rules.hpp"

#include <charconv>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::security {
namespace {

CapabilitySet find_set(std::string_view status, std::string_view field) {
  const std::string key = fmt::format("\n{}:\t", field);
  const std::size_t begin = status.find(key);
  CapabilitySet set;
  if (begin != std::string_view::npos) {
    const std::string_view rest = status.substr(begin + key.size());
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), set.bits, 16);
    if (error == std::errc{}) return set;
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("status: no set \"{}:\"", field));
}

}  // namespace

std::optional<ProcessCapabilities> after_execve(const ProcessCapabilities& before,
                                                const Execution& how) noexcept {
  const FileCapabilities file = how.file.value_or(FileCapabilities{});
  ProcessCapabilities after = before;  // bounding and inheritable stay as they are
  after.permitted = (file.permitted & before.bounding) | (file.inheritable & before.inheritable);
  if (file.effective && !(file.permitted - after.permitted).empty()) return std::nullopt;
  bool effective = file.effective;
  if (how.as_root) {  // for root every file is as if it had all capabilities
    after.permitted = before.bounding | before.inheritable;
    effective = true;
  }
  if (how.no_new_privs) after.permitted = after.permitted & before.permitted;
  if (how.file) after.ambient = {};
  after.permitted = after.permitted | after.ambient;
  after.effective = effective ? after.permitted : after.ambient;
  return after;
}

ProcessCapabilities parse_process_capabilities(std::string_view status) {
  return {find_set(status, "CapBnd"), find_set(status, "CapEff"), find_set(status, "CapPrm"),
          find_set(status, "CapInh"), find_set(status, "CapAmb")};
}

ProcessCapabilities process_capabilities(pid_t pid) {
  return parse_process_capabilities(
      read_file(pid == 0 ? std::string("/proc/self/status") : fmt::format("/proc/{}/status", pid)));
}

}  // namespace minidocker::security
