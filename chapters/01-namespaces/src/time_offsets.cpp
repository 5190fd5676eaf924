#include "minidocker/namespaces/time_offsets.hpp"

#include <fcntl.h>

#include <algorithm>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::namespaces {
namespace {

const char* clock_name(Clock clock) { return clock == Clock::monotonic ? "monotonic" : "boottime"; }

constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

std::string format_time_offsets(const std::vector<TimeOffset>& offsets) {
  std::string text;
  for (const TimeOffset& offset : offsets) {
    const char* const name = clock_name(offset.clock);
    if (offset.nanoseconds >= kNanosecondsPerSecond) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("time offset of {}: {} nanoseconds are a second or more", name,
                              offset.nanoseconds));
    }
    if (text.find(name) != std::string::npos) {
      throw Error(ErrorKind::invalid_argument, fmt::format("time offset of {} given twice", name));
    }
    text += fmt::format("{} {} {}\n", name, offset.seconds, offset.nanoseconds);
  }
  return text;
}

StepResult WriteTimeOffsets::run(ChildContext&) const noexcept {
  return write_control_at(AT_FDCWD, "/proc/self/timens_offsets", offsets);
}

std::string WriteTimeOffsets::describe() const {
  std::string words = offsets;
  while (!words.empty() && words.back() == '\n') words.pop_back();
  std::replace(words.begin(), words.end(), '\n', ',');
  return fmt::format("set the clocks ahead (s, ns): {}", words);
}

}  // namespace minidocker::namespaces
