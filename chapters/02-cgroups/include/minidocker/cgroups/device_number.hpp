#pragma once
/// \file
/// A block device as limits and statistics name it.

#include <compare>
#include <cstdint>

namespace minidocker::cgroups {

/// A block device by its numbers.
struct DeviceNumber {
  std::uint32_t major = 0;                                ///< of the driver
  std::uint32_t minor = 0;                                ///< of the device among its
  auto operator<=>(const DeviceNumber&) const = default;  ///< by major, then minor
};

}  // namespace minidocker::cgroups
