#include "minidocker/security/capabilities.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::security {
namespace {

/// By number: linux/capability.h.
constexpr std::array<const char*, kKnownCapabilities> kNames{"CAP_CHOWN",
                                                             "CAP_DAC_OVERRIDE",
                                                             "CAP_DAC_READ_SEARCH",
                                                             "CAP_FOWNER",
                                                             "CAP_FSETID",
                                                             "CAP_KILL",
                                                             "CAP_SETGID",
                                                             "CAP_SETUID",
                                                             "CAP_SETPCAP",
                                                             "CAP_LINUX_IMMUTABLE",
                                                             "CAP_NET_BIND_SERVICE",
                                                             "CAP_NET_BROADCAST",
                                                             "CAP_NET_ADMIN",
                                                             "CAP_NET_RAW",
                                                             "CAP_IPC_LOCK",
                                                             "CAP_IPC_OWNER",
                                                             "CAP_SYS_MODULE",
                                                             "CAP_SYS_RAWIO",
                                                             "CAP_SYS_CHROOT",
                                                             "CAP_SYS_PTRACE",
                                                             "CAP_SYS_PACCT",
                                                             "CAP_SYS_ADMIN",
                                                             "CAP_SYS_BOOT",
                                                             "CAP_SYS_NICE",
                                                             "CAP_SYS_RESOURCE",
                                                             "CAP_SYS_TIME",
                                                             "CAP_SYS_TTY_CONFIG",
                                                             "CAP_MKNOD",
                                                             "CAP_LEASE",
                                                             "CAP_AUDIT_WRITE",
                                                             "CAP_AUDIT_CONTROL",
                                                             "CAP_SETFCAP",
                                                             "CAP_MAC_OVERRIDE",
                                                             "CAP_MAC_ADMIN",
                                                             "CAP_SYSLOG",
                                                             "CAP_WAKE_ALARM",
                                                             "CAP_BLOCK_SUSPEND",
                                                             "CAP_AUDIT_READ",
                                                             "CAP_PERFMON",
                                                             "CAP_BPF",
                                                             "CAP_CHECKPOINT_RESTORE"};

constexpr std::string_view kPrefix = "CAP_";

std::string in_capitals(std::string_view text) {
  std::string capitals(text);
  for (char& c : capitals) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return capitals;
}

constexpr CapabilitySet one(int capability) { return {std::uint64_t{1} << capability}; }

/// The mask behind "CapBnd:\t".
CapabilitySet status_mask(std::string_view status, std::string_view key) {
  const std::size_t at = status.find(fmt::format("\n{}:\t", key));
  std::uint64_t bits = 0;
  if (at != std::string_view::npos) {
    const char* const begin = status.data() + at + key.size() + 3;
    const char* const end = status.data() + status.size();
    if (std::from_chars(begin, end, bits, 16).ec == std::errc{}) return {bits};
  }
  throw Error(ErrorKind::invalid_argument, fmt::format("/proc/self/status: no line {}", key));
}

}  // namespace

std::optional<int> find_capability(std::string_view name) {
  std::string wanted = in_capitals(name);
  if (!wanted.starts_with(kPrefix)) wanted.insert(0, kPrefix);
  const auto found = std::ranges::find(kNames, wanted);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<int>(found - kNames.begin());
}

std::string capability_name(int capability) {
  if (capability >= 0 && capability < kKnownCapabilities) {
    return kNames[static_cast<std::size_t>(capability)];
  }
  return fmt::format("CAP_{}", capability);
}

std::string in_words(CapabilitySet set) {
  if (set.empty()) return "none";
  if (set == kAllKnown) return "all";
  std::string words;
  for (int capability = 0; capability < 64; ++capability) {
    if (!set.has(capability)) continue;
    if (!words.empty()) words.push_back(' ');
    words += capability_name(capability);
  }
  return words;
}

CapabilitySet parse_capabilities(const std::vector<std::string>& names,
                                 std::vector<std::string>* unknown) {
  CapabilitySet set;
  for (const std::string& name : names) {
    const std::optional<int> capability = find_capability(name);
    if (capability) {
      set = set | one(*capability);
    } else if (in_capitals(name) == "ALL" || in_capitals(name) == "CAP_ALL") {
      set = kAllKnown;
    } else if (unknown != nullptr) {
      unknown->push_back(name);
    }
  }
  return set;
}

CapabilitySet default_capabilities() {
  static const std::vector<std::string> kDefault{
      "CHOWN",   "DAC_OVERRIDE", "FSETID",           "FOWNER",
      "MKNOD",   "NET_RAW",      "SETGID",           "SETUID",
      "SETFCAP", "SETPCAP",      "NET_BIND_SERVICE", "SYS_CHROOT",
      "KILL",    "AUDIT_WRITE"};
  return parse_capabilities(kDefault, nullptr);
}

CapabilitySet kernel_capabilities() {
  int known = 0;     // the greatest number that is known to exist: CHOWN does
  int unknown = 64;  // the smallest that is known not to
  while (unknown - known > 1) {
    const int middle = (known + unknown) / 2;
    if (sys::bounding_has(middle)) {
      known = middle;
    } else {
      unknown = middle;
    }
  }
  return {(std::uint64_t{1} << known << 1) - 1};
}

CapabilitySets5 parse_status(std::string_view status) {
  return {status_mask(status, "CapBnd"), status_mask(status, "CapEff"),
          status_mask(status, "CapPrm"), status_mask(status, "CapInh"),
          status_mask(status, "CapAmb")};
}

CapabilitySets5 own_capabilities() { return parse_status(read_file("/proc/self/status")); }

StepResult DropBounding::run(ChildContext&) const noexcept {
  const CapabilitySet dropped = present - keep;
  for (int capability = 0; capability < 64; ++capability) {
    if (!dropped.has(capability)) continue;
    const sys::Result<> result = sys::bounding_drop(capability);
    if (!result) return result;
  }
  return StepResult::ok();
}

std::string DropBounding::describe() const {
  return fmt::format("keep in the bounding set: {}", in_words(keep & present));
}

StepResult KeepCapabilities::run(ChildContext&) const noexcept {
  return sys::keep_capabilities(true);
}

std::string KeepCapabilities::describe() const {
  return "keep the permitted capabilities across the change of user";
}

StepResult SetCapabilities::run(ChildContext&) const noexcept {
  return sys::capset({effective.bits, permitted.bits, inheritable.bits});
}

std::string SetCapabilities::describe() const {
  return fmt::format("set capabilities: effective {}; permitted {}; inheritable {}",
                     in_words(effective), in_words(permitted), in_words(inheritable));
}

StepResult ClearAmbient::run(ChildContext&) const noexcept { return sys::ambient_clear(); }

std::string ClearAmbient::describe() const { return "empty the ambient set"; }

StepResult RaiseAmbient::run(ChildContext&) const noexcept {
  for (int capability = 0; capability < 64; ++capability) {
    if (!raise.has(capability)) continue;
    const sys::Result<> result = sys::ambient_raise(capability);
    if (!result) return result;
  }
  return StepResult::ok();
}

std::string RaiseAmbient::describe() const {
  return fmt::format("raise in the ambient set: {}", in_words(raise));
}

}  // namespace minidocker::security
