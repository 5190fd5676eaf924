#pragma once
/// \file
/// The time that people mean.

#include <chrono>
#include <cstdint>

namespace minidocker {

/// CLOCK_REALTIME in nanoseconds since 1970: what records hold, as it means something after a
/// reboot too (clock_gettime(2); no system call, thanks to the vDSO).
[[nodiscard]] inline std::int64_t wall_clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace minidocker
