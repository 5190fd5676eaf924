#pragma once
/// \file
/// What a container's cgroup allows: config.json's linux.resources, which is also what `update`
/// takes (config-linux.md#control-groups).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace minidocker::spec {

/// A rule about which devices may be used (config-linux.md#allowed-device-list); rules hold in
/// their order, later ones win.
struct DeviceRule {
  bool allow = false;                                  ///< grant or withdraw
  char type = 'a';                                     ///< 'a' (all), 'c' or 'b'
  std::optional<std::uint32_t> major;                  ///< absent: every one
  std::optional<std::uint32_t> minor;                  ///< absent: every one
  std::string access;                                  ///< of "rwm"; empty: all three
  bool operator==(const DeviceRule&) const = default;  ///< member by member
};

/// Memory in bytes; -1 is unlimited (config-linux.md#memory).
struct MemoryLimits {
  std::optional<std::int64_t> limit;        ///< hard limit
  std::optional<std::int64_t> reservation;  ///< soft limit
  std::optional<std::int64_t> swap;         ///< memory and swap together
  std::optional<std::int64_t> kernel_tcp;   ///< buffers of TCP sockets (v1)
  std::optional<std::uint64_t> swappiness;  ///< 0 (rather not) to 100 (v1)
  bool disable_oom_killer = false;          ///< who meets the limit waits, and is not killed (v1)
  bool check_before_update = false;         ///< refuse a limit below what is in use?
  bool operator==(const MemoryLimits&) const = default;  ///< member by member
};

/// Processor time (config-linux.md#cpu).
struct CpuLimits {
  std::optional<std::uint64_t> shares;           ///< weight against siblings, 2 to 262144
  std::optional<std::int64_t> quota;             ///< microseconds in each period; -1 is unlimited
  std::optional<std::uint64_t> period;           ///< microseconds
  std::optional<std::uint64_t> burst;            ///< microseconds of unused quota that are kept
  std::optional<std::int64_t> realtime_runtime;  ///< microseconds in each realtime period (v1)
  std::optional<std::uint64_t> realtime_period;  ///< microseconds (v1)
  std::string cpus;                              ///< which ones: "0-3,5"; empty: the group above's
  std::string mems;                              ///< which memory nodes; empty: the group above's
  std::optional<std::int64_t> idle;              ///< 1: run only when nobody else wants to; 0: not
  bool operator==(const CpuLimits&) const = default;  ///< member by member
};

/// The weight of a group for one disk.
struct WeightDevice {
  std::uint32_t major = 0;                               ///< of the disk
  std::uint32_t minor = 0;                               ///< of the disk
  std::uint16_t weight = 0;                              ///< 10 to 1000
  bool operator==(const WeightDevice&) const = default;  ///< member by member
};

/// A limit of a rate for one disk.
struct ThrottleDevice {
  std::uint32_t major = 0;                                 ///< of the disk
  std::uint32_t minor = 0;                                 ///< of the disk
  std::uint64_t rate = 0;                                  ///< bytes, or operations, a second
  bool operator==(const ThrottleDevice&) const = default;  ///< member by member
};

/// Disks (config-linux.md#block-io).
struct BlockIo {
  std::optional<std::uint16_t> weight;              ///< against siblings, 10 to 1000
  std::vector<WeightDevice> weight_device;          ///< exceptions from it
  std::vector<ThrottleDevice> read_bps_device;      ///< bytes read a second
  std::vector<ThrottleDevice> write_bps_device;     ///< bytes written a second
  std::vector<ThrottleDevice> read_iops_device;     ///< reads a second
  std::vector<ThrottleDevice> write_iops_device;    ///< writes a second
  bool operator==(const BlockIo&) const = default;  ///< member by member
};

/// How much of the huge pages of one size (config-linux.md#huge-page-limits).
struct HugepageLimit {
  std::string page_size;                                  ///< "2MB", as the kernel names its file
  std::uint64_t limit = 0;                                ///< bytes
  bool operator==(const HugepageLimit&) const = default;  ///< member by member
};

/// How much of one RDMA device (config-linux.md#rdma).
struct RdmaLimit {
  std::optional<std::uint32_t> hca_handles;           ///< handles
  std::optional<std::uint32_t> hca_objects;           ///< objects
  bool operator==(const RdmaLimit&) const = default;  ///< member by member
};

/// All of it. Values that callers send to mean "unset" (a zero where zero cannot be a limit) are
/// absent here.
struct Resources {
  std::vector<DeviceRule> devices;             ///< in order, after the default rules
  MemoryLimits memory;                         ///< memory
  CpuLimits cpu;                               ///< processor time
  std::optional<std::int64_t> pids_limit;      ///< number of tasks; -1 is unlimited
  BlockIo block_io;                            ///< disks
  std::vector<HugepageLimit> hugepage_limits;  ///< for each size
  std::map<std::string, RdmaLimit> rdma;       ///< by the device's name
  std::map<std::string, std::string> unified;  ///< v2: file of the group -> what to write to it
  bool operator==(const Resources&) const = default;  ///< member by member
};

}  // namespace minidocker::spec
