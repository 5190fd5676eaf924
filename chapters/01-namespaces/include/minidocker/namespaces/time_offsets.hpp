#pragma once
/// \file
/// Clocks of a time namespace (time_namespaces(7), kernel 5.6).

#include <cstdint>
#include <string>
#include <vector>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// The clocks that a time namespace can shift. CLOCK_REALTIME is the same for everyone.
enum class Clock {
  monotonic,  ///< CLOCK_MONOTONIC
  boottime,   ///< CLOCK_BOOTTIME: monotonic plus the time the machine slept
};

/// How far a clock of the namespace is ahead of the initial one's.
struct TimeOffset {
  Clock clock = Clock::monotonic;  ///< which clock
  std::int64_t seconds = 0;        ///< may be negative, but the clock must not fall below 0
  std::uint32_t nanoseconds = 0;   ///< 0 to 999,999,999, added to the seconds
};

/// The text for /proc/PID/timens_offsets. Throws Error(invalid_argument) for nanoseconds out of
/// range, or a clock named twice.
[[nodiscard]] std::string format_time_offsets(const std::vector<TimeOffset>& offsets);

/// Sets the clocks of the time namespace that the process has just unshared. The kernel takes them
/// only while the namespace is empty (EACCES after), that is before the next child is cloned.
struct WriteTimeOffsets {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "offsets can be set only while nobody is in the namespace"};
  const char* offsets;  ///< from format_time_offsets()
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
