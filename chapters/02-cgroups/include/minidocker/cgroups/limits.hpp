#pragma once
/// \file
/// Limits as values, and which control file takes which text for them (config-linux.md#memory,
/// #cpu, #pids; cgroup-v1/memory.rst, cgroup-v2.rst).

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "minidocker/toolbox/bytes.hpp"

namespace minidocker::cgroups {

/// Lifts a memory limit.
inline constexpr Bytes kUnlimited{std::numeric_limits<std::uint64_t>::max()};
/// Lifts the CPU quota.
inline constexpr std::chrono::microseconds kNoQuota{-1};
/// Lifts the limit of processes.
inline constexpr std::int64_t kNoPidsLimit = -1;

/// Memory. An absent value, or 0, leaves things as they are.
struct MemoryLimits {
  std::optional<Bytes> limit;        ///< beyond it the group's processes are killed
  std::optional<Bytes> reservation;  ///< is left to the group when memory gets scarce
  std::optional<Bytes> swap;         ///< memory *and* swap together; needs `limit`
};

/// Processor time. An absent value, or 0, leaves things as they are.
struct CpuLimits {
  std::optional<std::uint64_t> shares;              ///< weight against others, 1024 is usual
  std::optional<std::chrono::microseconds> quota;   ///< time in each period, of all CPUs together
  std::optional<std::chrono::microseconds> period;  ///< 1 ms to 1 s; the kernel's default is 100 ms
  std::optional<std::chrono::microseconds> burst;   ///< unused quota that may be saved up
};

/// All limits of a group.
struct Limits {
  MemoryLimits memory;               ///< memory
  CpuLimits cpu;                     ///< processor time
  std::optional<std::int64_t> pids;  ///< how many tasks (threads count); 0 is a limit too

  /// What is limited, in words, e.g. "a memory limit"; empty if nothing is.
  [[nodiscard]] std::string in_words() const;
};

/// Throws Error(invalid_argument) for values that no kernel takes or that contradict each other.
void validate(const Limits& limits);

/// One write to a control file.
struct ControlWrite {
  const char* controller;  ///< "memory"
  std::string file;        ///< "memory.max"
  std::string value;       ///< "67108864"
  const char* what;        ///< "memory limit", for errors
  bool with_next = false;  ///< refused with EINVAL, the next one has to go first
  bool optional = false;   ///< no such file is no error
  bool operator==(const ControlWrite&) const = default;  ///< member by member
};

/// The writes for v1, in the order for a fresh group. `limits` must be valid.
[[nodiscard]] std::vector<ControlWrite> v1_writes(const Limits& limits);
/// The writes for v2.
[[nodiscard]] std::vector<ControlWrite> v2_writes(const Limits& limits);

/// v2's cpu.weight (1 to 10000) for v1's cpu.shares (2 to 262144, clamped): a curve through
/// 2 -> 1, 1024 -> 100 and 262144 -> 10000, which are the three points that must hold.
[[nodiscard]] std::uint64_t weight_of_shares(std::uint64_t shares);

}  // namespace minidocker::cgroups
