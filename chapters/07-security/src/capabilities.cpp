#include "minidocker/security/capabilities.hpp"

#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include "minidocker/toolbox/linux_names.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::security {
namespace {

constexpr CapabilitySet one(int capability) { return {std::uint64_t{1} << capability}; }

/// Without CAP_SETPCAP dropping is refused even of what is not there.
bool is_gone(int capability, int error) noexcept {
  if (error != EPERM) return false;
  const sys::Result<bool> has = sys::bounding_has(capability);
  return has && !has.value();
}

}  // namespace

std::string capability_name(int capability) {
  if (capability >= 0 && capability < kKnownCapabilities) {
    return std::string(kCapabilityNames[static_cast<std::size_t>(capability)]);
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
    const std::optional<int> capability = capability_number(name);
    if (capability) {
      set = set | one(*capability);
    } else if (unknown != nullptr) {
      unknown->push_back(name);
    }
  }
  return set;
}

CapabilitySet default_capabilities() {
  static const std::vector<std::string> kDefault{
      "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
      "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
      "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
      "CAP_KILL",    "CAP_AUDIT_WRITE"};
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

StepResult DropBounding::run(ChildContext&) const noexcept {
  const CapabilitySet dropped = present - keep;
  for (int capability = 0; capability < 64; ++capability) {
    if (!dropped.has(capability)) continue;
    const sys::Result<> result = sys::bounding_drop(capability);
    if (result.error() == EINVAL) break;  // the kernel knows neither this one nor those that follow
    if (!result && !is_gone(capability, result.error())) return result;
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
