#pragma once
/// \file
/// Device rules in the words of cgroup v1 (cgroup-v1/devices.rst).

#include <string>
#include <vector>

#include "minidocker/cgroups/device_rules.hpp"

namespace minidocker::cgroups {

/// A line for devices.deny or devices.allow.
struct DeviceLine {
  Verdict verdict;                                     ///< which file
  std::string text;                                    ///< `c 1:3 rwm`
  bool operator==(const DeviceLine&) const = default;  ///< member by member
};

/// What to write, in this order, so that v1 answers as allows() does, whatever the group held
/// before. v1 knows less than the rules can say: what stands behind an `a` is not read, a line
/// takes back only one of exactly the same numbers, reading and writing must be allowed by one
/// line. Throws Error(unavailable) naming the rule that takes a part out of a wider one, which
/// cannot be said at all. Making nodes alone is let through then, and told to the trace: a node
/// that may not be opened does no harm.
[[nodiscard]] std::vector<DeviceLine> v1_device_lines(const std::vector<DeviceRule>& rules);

}  // namespace minidocker::cgroups
