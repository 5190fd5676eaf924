#pragma once
/// \file
/// Limits as values, and which control file takes which text for them (config-linux.md#memory
/// and the sections after it; cgroup-v1/*.rst, cgroup-v2.rst).

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "minidocker/cgroups/device_number.hpp"
#include "minidocker/toolbox/bytes.hpp"

namespace minidocker::cgroups {

/// Lifts a memory limit.
inline constexpr Bytes kUnlimited{std::numeric_limits<std::uint64_t>::max()};
/// Lifts the CPU quota.
inline constexpr std::chrono::microseconds kNoQuota{-1};
/// Lifts the limit of processes.
inline constexpr std::int64_t kNoPidsLimit = -1;

/// Memory. An absent value, or 0 bytes, leaves things as they are.
struct MemoryLimits {
  std::optional<Bytes> limit{};        ///< beyond it the group's processes are killed
  std::optional<Bytes> reservation{};  ///< is left to the group when memory gets scarce
  std::optional<Bytes> swap{};         ///< memory *and* swap together; needs `limit`
  std::optional<Bytes> kernel_tcp{};   ///< buffers of TCP sockets; v1 only
  /// How readily its anonymous memory is swapped out, 0 (last) to 100; v1 only.
  std::optional<std::uint64_t> swappiness{};
  /// true: at the limit processes wait for memory, and nobody is killed; v1 only.
  std::optional<bool> disable_oom_killer{};
  /// Refuse a limit below what is in use. v1's kernel does so after having tried to reclaim;
  /// v2's takes the limit, and kills.
  bool check_before_update = false;
};

/// Processor time. An absent value, or 0, leaves things as they are (but for `idle`).
struct CpuLimits {
  std::optional<std::uint64_t> shares{};              ///< weight against others, 1024 is usual
  std::optional<std::chrono::microseconds> quota{};   ///< time in each period, all CPUs together
  std::optional<std::chrono::microseconds> period{};  ///< 1 ms to 1 s; the kernel has 100 ms
  std::optional<std::chrono::microseconds> burst{};   ///< unused quota that may be saved up
  /// true: runs only when nobody else wants to (SCHED_IDLE for a group; kernel 5.15).
  std::optional<bool> idle{};
  /// Time of realtime tasks in each `realtime_period`; v1 only, CONFIG_RT_GROUP_SCHED.
  std::optional<std::chrono::microseconds> realtime_runtime{};
  std::optional<std::chrono::microseconds> realtime_period{};  ///< see realtime_runtime
  std::string cpus{};  ///< CPUs it may run on: "0-2,7"; empty leaves them
  std::string mems{};  ///< memory nodes it may take memory from: "0,1"; empty leaves them
};

/// A weight for one device.
struct DeviceWeight {
  DeviceNumber device;                                   ///< which
  std::uint64_t weight = 0;                              ///< 10 to 1000
  bool operator==(const DeviceWeight&) const = default;  ///< member by member
};

/// A ceiling for one device.
struct DeviceRate {
  DeviceNumber device;                                 ///< which
  std::uint64_t per_second = 0;                        ///< bytes or operations; 0 lifts the ceiling
  bool operator==(const DeviceRate&) const = default;  ///< member by member
};

/// Disk access. What is absent stays as it is.
struct IoLimits {
  std::optional<std::uint64_t> weight{};       ///< against others, 10 to 1000; 0: not set
  std::vector<DeviceWeight> device_weights{};  ///< the same for single devices
  std::vector<DeviceRate> read_bytes{};        ///< bytes read per second
  std::vector<DeviceRate> write_bytes{};       ///< bytes written per second
  std::vector<DeviceRate> read_operations{};   ///< reads per second
  std::vector<DeviceRate> write_operations{};  ///< writes per second
};

/// How much memory of one size of huge page.
struct HugePageLimit {
  std::string page_size;                                  ///< "2MB", as the kernel names the file
  Bytes limit;                                            ///< multiple of it; kUnlimited lifts it
  bool operator==(const HugePageLimit&) const = default;  ///< member by member
};

/// What may be had of one RDMA device. An absent number leaves things as they are.
struct RdmaLimit {
  std::string device;                                 ///< "mlx5_1"
  std::optional<std::uint32_t> handles{};             ///< hca_handle
  std::optional<std::uint32_t> objects{};             ///< hca_object
  bool operator==(const RdmaLimit&) const = default;  ///< member by member
};

/// All limits of a group.
struct Limits {
  MemoryLimits memory{};                 ///< memory
  CpuLimits cpu{};                       ///< processor time and place
  std::optional<std::int64_t> pids{};    ///< how many tasks (threads count); 0 is a limit too
  IoLimits io{};                         ///< disk access
  std::vector<HugePageLimit> hugetlb{};  ///< huge pages
  std::vector<RdmaLimit> rdma{};         ///< remote memory access
  /// Files of v2 by name, written as they are, after all else: {"memory.high", "1073741824"}.
  std::map<std::string, std::string> unified{};

  /// What is limited, in words, e.g. "a memory limit"; empty if nothing is.
  [[nodiscard]] std::string in_words() const;
};

/// Throws Error(invalid_argument) for values that no kernel takes or that contradict each other.
void validate(const Limits& limits);

}  // namespace minidocker::cgroups
