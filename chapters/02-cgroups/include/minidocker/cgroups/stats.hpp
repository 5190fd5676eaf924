#pragma once
/// \file
/// What a group has used, and the parsers of the files that tell it.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "minidocker/toolbox/bytes.hpp"

namespace minidocker::cgroups {

/// Memory of a group; absent where the host does not count it.
struct MemoryStats {
  std::optional<Bytes> usage;              ///< now, page cache included
  std::optional<Bytes> peak;               ///< the most so far (v2: kernel 5.19)
  std::optional<Bytes> limit;              ///< absent: none
  std::optional<std::uint64_t> oom_kills;  ///< processes killed for want of memory
};

/// Processor time of a group; absent where the host does not count it.
struct CpuStats {
  std::optional<std::chrono::nanoseconds> usage;           ///< of all CPUs together
  std::optional<std::uint64_t> periods;                    ///< periods with a quota in force
  std::optional<std::uint64_t> throttled_periods;          ///< of these, how many used it up
  std::optional<std::chrono::nanoseconds> throttled_time;  ///< time spent waiting for quota
};

/// Tasks of a group.
struct PidsStats {
  std::optional<std::uint64_t> current;  ///< now; threads count
  std::optional<std::uint64_t> limit;    ///< absent: none
};

/// All of it.
struct Stats {
  MemoryStats memory;  ///< memory
  CpuStats cpu;        ///< processor time
  PidsStats pids;      ///< tasks
};

/// A file that holds one number; nothing for "max" or for anything else.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);
/// The number behind `key` in a file of lines "key number".
[[nodiscard]] std::optional<std::uint64_t> parse_keyed(std::string_view text, std::string_view key);
/// memory.limit_in_bytes: v1's "no limit" is the greatest multiple of a page.
[[nodiscard]] std::optional<Bytes> parse_v1_limit(std::string_view text);

}  // namespace minidocker::cgroups
