#include "minidocker/security/process_limits.hpp"

#include <fcntl.h>

#include <array>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::security {
namespace {

constexpr std::string_view kPrefix = "RLIMIT_";
constexpr std::array<std::pair<const char*, int>, 16> kRlimits{{
    {"AS", RLIMIT_AS},
    {"CORE", RLIMIT_CORE},
    {"CPU", RLIMIT_CPU},
    {"DATA", RLIMIT_DATA},
    {"FSIZE", RLIMIT_FSIZE},
    {"LOCKS", RLIMIT_LOCKS},
    {"MEMLOCK", RLIMIT_MEMLOCK},
    {"MSGQUEUE", RLIMIT_MSGQUEUE},
    {"NICE", RLIMIT_NICE},
    {"NOFILE", RLIMIT_NOFILE},
    {"NPROC", RLIMIT_NPROC},
    {"RSS", RLIMIT_RSS},
    {"RTPRIO", RLIMIT_RTPRIO},
    {"RTTIME", RLIMIT_RTTIME},
    {"SIGPENDING", RLIMIT_SIGPENDING},
    {"STACK", RLIMIT_STACK},
}};

std::string amount(rlim_t value) {
  return value == RLIM_INFINITY ? "unlimited" : std::to_string(value);
}

}  // namespace

std::optional<int> find_rlimit(std::string_view name) {
  std::string wanted(name);
  for (char& c : wanted) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  if (wanted.starts_with(kPrefix)) wanted.erase(0, kPrefix.size());
  for (const auto& [known, resource] : kRlimits) {
    if (wanted == known) return resource;
  }
  return std::nullopt;
}

std::string rlimit_name(int resource) {
  for (const auto& [known, number] : kRlimits) {
    if (number == resource) return fmt::format("{}{}", kPrefix, known);
  }
  return fmt::format("{}{}", kPrefix, resource);
}

StepResult SetRlimit::run(ChildContext&) const noexcept {
  return sys::set_rlimit(0, value.resource, {value.soft, value.hard});
}

std::string SetRlimit::describe() const {
  return fmt::format("limit {} to {} (hard limit {})", rlimit_name(value.resource),
                     amount(value.soft), amount(value.hard));
}

StepResult SetOomScore::run(ChildContext&) const noexcept {
  std::array<char, 16> text{};
  const auto written = fmt::format_to_n(text.data(), text.size(), "{}", score);
  return write_control_at(AT_FDCWD, "/proc/self/oom_score_adj",
                          {text.data(), static_cast<std::size_t>(written.out - text.data())});
}

std::string SetOomScore::describe() const {
  return fmt::format("set the OOM score adjustment to {}", score);
}

}  // namespace minidocker::security
