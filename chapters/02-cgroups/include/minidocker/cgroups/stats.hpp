#pragma once
/// \file
/// What a group has used, and the parsers of the files that tell it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/cgroups/device_number.hpp"
#include "minidocker/toolbox/bytes.hpp"

namespace minidocker::cgroups {

/// One kind of memory, as v1's quartets of files tell it; absent where the host does not count it.
struct MemoryCounter {
  std::optional<Bytes> usage;             ///< now
  std::optional<Bytes> peak;              ///< the most so far
  std::optional<Bytes> limit;             ///< absent: none
  std::optional<std::uint64_t> failures;  ///< how often the limit was run into
};

/// How much of a time some, or all, of the group's tasks have waited for something (psi.rst).
struct PressureShare {
  double avg10 = 0;                                       ///< percent of the last 10 s
  double avg60 = 0;                                       ///< percent of the last minute
  double avg300 = 0;                                      ///< percent of the last 5 min
  std::chrono::microseconds total{};                      ///< since the group was made
  bool operator==(const PressureShare&) const = default;  ///< member by member
};
/// Pressure on one thing. v2 only.
struct Pressure {
  PressureShare some;                                ///< at least one task waited
  std::optional<PressureShare> full;                 ///< all waited at once (cpu: kernel 5.13)
  bool operator==(const Pressure&) const = default;  ///< member by member
};

/// Memory of a group; absent where the host does not count it.
struct MemoryStats {
  std::optional<Bytes> usage;              ///< now, page cache included
  std::optional<Bytes> peak;               ///< the most so far (v2: kernel 5.19)
  std::optional<Bytes> limit;              ///< absent: none
  std::optional<std::uint64_t> failures;   ///< how often the limit was run into
  std::optional<std::uint64_t> oom_kills;  ///< processes killed for want of memory
  std::optional<Bytes> cache;              ///< of files: could be had back
  std::optional<Bytes> rss;                ///< anonymous: could not, but by swapping
  std::optional<Bytes> swap;               ///< swapped out now
  std::optional<Bytes> inactive_file;      ///< cache long not used; `docker stats` takes it off
  MemoryCounter with_swap;                 ///< memory and swap together
  MemoryCounter kernel;                    ///< the kernel's own for the group (v2: usage)
  MemoryCounter kernel_tcp;                ///< buffers of TCP sockets (v2: usage)
  std::map<std::string, std::uint64_t> details;  ///< memory.stat, each line
  std::map<std::string, std::uint64_t> events;   ///< v2: memory.events, each line
  std::optional<Pressure> pressure;              ///< v2
};

/// Processor time of a group; absent where the host does not count it.
struct CpuStats {
  std::optional<std::chrono::nanoseconds> usage;           ///< of all CPUs together
  std::optional<std::chrono::nanoseconds> user;            ///< of it outside of the kernel
  std::optional<std::chrono::nanoseconds> kernel;          ///< of it inside
  std::vector<std::chrono::nanoseconds> per_cpu;           ///< v1: usage of each CPU
  std::vector<std::chrono::nanoseconds> per_cpu_user;      ///< v1
  std::vector<std::chrono::nanoseconds> per_cpu_kernel;    ///< v1
  std::optional<std::uint64_t> periods;                    ///< periods with a quota in force
  std::optional<std::uint64_t> throttled_periods;          ///< of these, how many used it up
  std::optional<std::chrono::nanoseconds> throttled_time;  ///< time spent waiting for quota
  std::optional<std::uint64_t> bursts;                     ///< periods that used saved-up quota
  std::optional<std::chrono::nanoseconds> burst_time;      ///< how much of it
  std::string cpus;                                        ///< CPUs it may run on, "0-3"
  std::string mems;                                        ///< memory nodes
  std::optional<Pressure> pressure;                        ///< v2
};

/// Tasks of a group.
struct PidsStats {
  std::optional<std::uint64_t> current;  ///< now; threads count
  std::optional<std::uint64_t> limit;    ///< absent: none
  std::optional<std::uint64_t> refused;  ///< forks that failed at the limit
};

/// A line of what disks have done: device, "Read", "Write" or "Discard" (v1 also "Sync", "Async"),
/// and how much.
struct IoCount {
  DeviceNumber device;                              ///< which
  std::string operation;                            ///< what
  std::uint64_t value = 0;                          ///< bytes or number
  bool operator==(const IoCount&) const = default;  ///< member by member
};
/// Disk access of a group and all below it.
struct IoStats {
  std::vector<IoCount> bytes;        ///< how much
  std::vector<IoCount> operations;   ///< how often
  std::optional<Pressure> pressure;  ///< v2
};

/// Huge pages of one size.
struct HugePageStats {
  std::optional<Bytes> usage;             ///< now
  std::optional<Bytes> peak;              ///< the most so far; v1
  std::optional<Bytes> limit;             ///< absent: none
  std::optional<std::uint64_t> failures;  ///< how often the limit was run into
};

/// What a group has of an RDMA device; an absent limit is none.
struct RdmaStats {
  std::optional<std::uint64_t> handles;        ///< now
  std::optional<std::uint64_t> objects;        ///< now
  std::optional<std::uint64_t> handles_limit;  ///< at most
  std::optional<std::uint64_t> objects_limit;  ///< at most
};

/// All of it.
struct Stats {
  MemoryStats memory;                            ///< memory
  CpuStats cpu;                                  ///< processor time
  PidsStats pids;                                ///< tasks
  IoStats io;                                    ///< disk access
  std::map<std::string, HugePageStats> hugetlb;  ///< by page size, "2MB"
  std::map<std::string, RdmaStats> rdma;         ///< by device
};

/// A file that holds one number; nothing for "max" or for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);
/// The number behind `key` in a file of lines "key number".
[[nodiscard]] std::optional<std::uint64_t> parse_keyed(std::string_view text, std::string_view key);
/// All of such a file; lines that are different are left out.
[[nodiscard]] std::map<std::string, std::uint64_t> parse_table(std::string_view text);
/// memory.limit_in_bytes: v1's "no limit" is the greatest multiple of a page.
[[nodiscard]] std::optional<Bytes> parse_v1_limit(std::string_view text);
/// Column `column` (from 0) of lines of numbers, e.g. cpuacct.usage_all; headings are left out.
[[nodiscard]] std::vector<std::uint64_t> parse_column(std::string_view text, std::size_t column);
/// The numbers of a line, e.g. cpuacct.usage_percpu.
[[nodiscard]] std::vector<std::uint64_t> parse_row(std::string_view text);
/// cpu.pressure and the like; nothing for what is none.
[[nodiscard]] std::optional<Pressure> parse_pressure(std::string_view text);
/// v2's io.stat.
[[nodiscard]] IoStats parse_io_stat(std::string_view text);
/// v1's lines "8:0 Read 4096"; the sum without a device is left out.
[[nodiscard]] std::vector<IoCount> parse_v1_io(std::string_view text);
/// rdma.current and rdma.max together.
[[nodiscard]] std::map<std::string, RdmaStats> parse_rdma(std::string_view current,
                                                          std::string_view max);

}  // namespace minidocker::cgroups
