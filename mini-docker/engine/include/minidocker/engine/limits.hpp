#pragma once
/// \file
/// `docker run`'s limits and devices as values. Absent means none; what docker takes for absent, a
/// zero, is absent here.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "minidocker/toolbox/bytes.hpp"

namespace minidocker::engine {

/// `--blkio-weight-device PATH:WEIGHT`.
struct DeviceWeight {
  std::string path;                                      ///< the disk's node on the host
  std::uint16_t weight = 0;                              ///< 10 to 1000
  bool operator==(const DeviceWeight&) const = default;  ///< member by member
};

/// `--device-read-bps PATH:RATE` and its like.
struct DeviceRate {
  std::string path;                                    ///< the disk's node on the host
  std::uint64_t rate = 0;                              ///< bytes or operations a second
  bool operator==(const DeviceRate&) const = default;  ///< member by member
};

/// `--device SOURCE[:TARGET][:ACCESS]`.
struct DeviceRequest {
  std::string source;                                     ///< a node, or a directory of them
  std::string target;                                     ///< absolute path in the container
  std::string access = "rwm";                             ///< of `r`, `w` and `m` (mknod)
  bool operator==(const DeviceRequest&) const = default;  ///< member by member
};

/// What a container may use.
struct LimitsRequest {
  std::optional<Bytes> memory;                 ///< -m
  std::optional<std::int64_t> memory_swap;     ///< with swap; -1 is unlimited; absent: twice memory
  std::optional<Bytes> memory_reservation;     ///< what it is left with when memory gets scarce
  std::optional<int> memory_swappiness;        ///< 0 to 100
  bool oom_kill_disable = false;               ///< wait at the limit rather than be killed
  std::optional<std::int64_t> nano_cpus;       ///< --cpus times 10^9
  std::optional<std::int64_t> cpu_shares;      ///< against others
  std::optional<std::int64_t> cpu_period;      ///< microseconds
  std::optional<std::int64_t> cpu_quota;       ///< microseconds in each period
  std::optional<std::int64_t> cpu_rt_period;   ///< microseconds
  std::optional<std::int64_t> cpu_rt_runtime;  ///< microseconds
  std::string cpuset_cpus;                     ///< "0-2,7"
  std::string cpuset_mems;                     ///< "0,1"
  std::optional<std::int64_t> pids;            ///< --pids-limit; -1 is unlimited
  std::optional<std::uint16_t> blkio_weight;   ///< against others, 10 to 1000
  std::vector<DeviceWeight> blkio_weight_device;  ///< the same for single disks
  std::vector<DeviceRate> device_read_bps;        ///< bytes read a second
  std::vector<DeviceRate> device_write_bps;       ///< bytes written a second
  std::vector<DeviceRate> device_read_iops;       ///< reads a second
  std::vector<DeviceRate> device_write_iops;      ///< writes a second
  std::string cgroup_parent;                      ///< the group above the container's
};

}  // namespace minidocker::engine
