// What a group of cgroup v2 has used. Read it beside v1_stats.cpp.
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "stat_files.hpp"
#include "v2.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::microseconds;

std::optional<Bytes> sum(std::optional<Bytes> one, std::optional<Bytes> other) {
  if (!one || !other) return std::nullopt;
  return Bytes{one->value + other->value};
}

/// What `key` has counted; nothing where the kernel does not count it.
std::optional<std::uint64_t> find(const std::map<std::string, std::uint64_t>& table,
                                  const std::string& key) {
  const auto found = table.find(key);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

MemoryStats memory_stats(const StatFiles& files) {
  MemoryStats stats;
  stats.usage = files.bytes("memory.current");
  stats.peak = files.bytes("memory.peak");
  stats.limit = files.bytes("memory.max");
  stats.events = parse_table(files.text("memory.events"));
  stats.failures = find(stats.events, "max");
  stats.oom_kills = find(stats.events, "oom_kill");
  stats.details = parse_table(files.text("memory.stat"));
  stats.cache = bytes_of(stats.details, "file");
  stats.rss = bytes_of(stats.details, "anon");
  stats.inactive_file = bytes_of(stats.details, "inactive_file");
  // v2 counts swap alone; callers think of both together, as v1 does.
  stats.swap = files.bytes("memory.swap.current");
  stats.with_swap.usage = sum(stats.usage, stats.swap);
  stats.with_swap.limit = sum(stats.limit, files.bytes("memory.swap.max"));
  stats.with_swap.failures = parse_keyed(files.text("memory.swap.events"), "max");
  stats.kernel.usage = bytes_of(stats.details, "kernel");
  stats.kernel_tcp.usage = bytes_of(stats.details, "sock");
  stats.pressure = files.pressure("memory.pressure");
  return stats;
}

CpuStats cpu_stats(const StatFiles& files) {
  CpuStats stats;
  const std::string text = files.text("cpu.stat");
  stats.usage = as_time<microseconds>(parse_keyed(text, "usage_usec"));
  stats.user = as_time<microseconds>(parse_keyed(text, "user_usec"));
  stats.kernel = as_time<microseconds>(parse_keyed(text, "system_usec"));
  stats.periods = parse_keyed(text, "nr_periods");
  stats.throttled_periods = parse_keyed(text, "nr_throttled");
  stats.throttled_time = as_time<microseconds>(parse_keyed(text, "throttled_usec"));
  stats.bursts = parse_keyed(text, "nr_bursts");
  stats.burst_time = as_time<microseconds>(parse_keyed(text, "burst_usec"));
  stats.cpus = one_line(files.text("cpuset.cpus.effective"));
  stats.mems = one_line(files.text("cpuset.mems.effective"));
  stats.pressure = files.pressure("cpu.pressure");
  return stats;
}

std::map<std::string, HugePageStats> hugetlb_stats(const StatFiles& files) {
  std::map<std::string, HugePageStats> all;
  for (const std::string& size : files.page_sizes(".max")) {
    const std::string start = "hugetlb." + size;
    all[size] = {files.bytes(start + ".current"), std::nullopt, files.bytes(start + ".max"),
                 parse_keyed(files.text(start + ".events"), "max")};
  }
  return all;
}

}  // namespace

Stats V2Driver::stats(const Location& location) const {
  const StatFiles files(location.directories.front().path());
  Stats stats;
  stats.memory = memory_stats(files);
  stats.cpu = cpu_stats(files);
  stats.pids = {files.number("pids.current"), files.number("pids.max"),
                parse_keyed(files.text("pids.events"), "max")};
  stats.io = parse_io_stat(files.text("io.stat"));
  stats.io.pressure = files.pressure("io.pressure");
  stats.hugetlb = hugetlb_stats(files);
  stats.rdma = parse_rdma(files.text("rdma.current"), files.text("rdma.max"));
  return stats;
}

}  // namespace minidocker::cgroups
