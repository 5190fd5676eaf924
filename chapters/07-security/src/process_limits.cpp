#include "minidocker/security/process_limits.hpp"

#include <fcntl.h>

#include <array>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/linux_names.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::security {
namespace {

std::string amount(rlim_t value) {
  return value == RLIM_INFINITY ? "unlimited" : std::to_string(value);
}

}  // namespace

std::string rlimit_name(int resource) {
  for (const auto& [known, number] : kRlimitNames) {
    if (number == resource) return std::string(known);
  }
  return fmt::format("RLIMIT_{}", resource);
}

StepResult SetRlimit::run(ChildContext&) const noexcept {
  return sys::set_rlimit(0, value.resource, {value.soft, value.hard});
}

std::string SetRlimit::describe() const {
  return fmt::format("limit {} to {} (hard limit {})", rlimit_name(value.resource),
                     amount(value.soft), amount(value.hard));
}

StepResult SetOomScore::run(ChildContext&) const noexcept {
  std::array<char, 16> text;
  const char* const end = std::to_chars(text.data(), text.data() + text.size(), score).ptr;
  return write_control_at(AT_FDCWD, "/proc/self/oom_score_adj", std::string_view(text.data(), end));
}

std::string SetOomScore::describe() const {
  return fmt::format("set the OOM score adjustment to {}", score);
}

}  // namespace minidocker::security
