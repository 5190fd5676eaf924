#pragma once
/// \file
/// Limits as writes to control files, before anything is written: what the drivers make of a
/// Limits, and what can be tested without a kernel.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/cgroups/limits.hpp"

namespace minidocker::cgroups {

/// One write to a control file.
struct ControlWrite {
  std::string controller;  ///< "memory"
  std::string file;        ///< "memory.max"
  std::string value;       ///< "67108864"
  const char* what;        ///< "memory limit", for errors
  /// Neighbours with the same number, if not 0, bound each other: which has to go first depends on
  /// what the group holds. One that is refused with EINVAL is tried again after the others.
  int bound = 0;
  bool optional = false;  ///< no such file is no error
  /// A file of one line a device: what to write to be rid of this one's ("8:0 rbps=max").
  std::string lift{};
  std::string other_file{};   ///< written instead where there is no `file`
  std::string other_value{};  ///< what goes there
  bool operator==(const ControlWrite&) const = default;  ///< member by member
};

/// The writes for v1. `limits` must be valid. Throws Error(unavailable) for what v1 has not.
[[nodiscard]] std::vector<ControlWrite> v1_writes(const Limits& limits);
/// The writes for v2.
[[nodiscard]] std::vector<ControlWrite> v2_writes(const Limits& limits);

/// \name What engines write for "not set"
///@{
[[nodiscard]] inline bool is_set(const std::optional<Bytes>& bytes) {
  return bytes && bytes->value != 0;
}
[[nodiscard]] inline bool is_set(const std::optional<std::chrono::microseconds>& time) {
  return time && time->count() != 0;
}
[[nodiscard]] inline bool is_set(const std::optional<std::uint64_t>& number) {
  return number && *number != 0;
}
///@}

/// `-1` or the number, as v1 takes bytes.
[[nodiscard]] std::string v1_bytes(Bytes bytes);
/// `max` or the number, as v2 takes bytes.
[[nodiscard]] std::string v2_bytes(Bytes bytes);

/// A limit of memory and swap together says nothing without one of memory. Throws
/// Error(invalid_argument).
void require_limit_beside_swap(const MemoryLimits& memory);

/// What both versions write alike: pids, rdma, cpuset.
void add_common(const Limits& limits, std::vector<ControlWrite>& writes);

/// `what` is not to be had with this version of cgroups. Throws Error(unavailable).
[[noreturn]] void refuse_version(std::string_view what, std::string_view why);

}  // namespace minidocker::cgroups
