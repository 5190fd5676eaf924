// What a group of cgroup v1 has used. Read it beside v2_stats.cpp.
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "stat_files.hpp"
#include "v1.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::nanoseconds;

/// The quartet of files that v1 has for a kind of memory; `kind` is "memory.", "memory.memsw.", ...
MemoryCounter counter(const StatFiles& files, const std::string& kind) {
  return {files.bytes(kind + "usage_in_bytes"), files.bytes(kind + "max_usage_in_bytes"),
          parse_v1_limit(files.text(kind + "limit_in_bytes")), files.number(kind + "failcnt")};
}

MemoryStats memory_stats(const StatFiles& files) {
  MemoryStats stats;
  const MemoryCounter memory = counter(files, "memory.");
  stats.usage = memory.usage;
  stats.peak = memory.peak;
  stats.limit = memory.limit;
  stats.failures = memory.failures;
  stats.with_swap = counter(files, "memory.memsw.");
  stats.kernel = counter(files, "memory.kmem.");
  stats.kernel_tcp = counter(files, "memory.kmem.tcp.");
  stats.oom_kills = parse_keyed(files.text("memory.oom_control"), "oom_kill");
  // Lines with total_ count the groups below too.
  stats.details = parse_table(files.text("memory.stat"));
  stats.cache = bytes_of(stats.details, "total_cache");
  stats.rss = bytes_of(stats.details, "total_rss");
  stats.swap = bytes_of(stats.details, "total_swap");
  stats.inactive_file = bytes_of(stats.details, "total_inactive_file");
  return stats;
}

std::vector<nanoseconds> times(const std::vector<std::uint64_t>& numbers) {
  std::vector<nanoseconds> times;
  for (const std::uint64_t number : numbers) {
    times.emplace_back(static_cast<std::int64_t>(number));
  }
  return times;
}

CpuStats cpu_stats(const StatFiles& accounting, const StatFiles& cpu, const StatFiles& cpuset) {
  CpuStats stats;
  stats.usage = as_time<nanoseconds>(accounting.number("cpuacct.usage"));
  stats.user = as_time<nanoseconds>(accounting.number("cpuacct.usage_user"));
  stats.kernel = as_time<nanoseconds>(accounting.number("cpuacct.usage_sys"));
  stats.per_cpu = times(parse_row(accounting.text("cpuacct.usage_percpu")));
  const std::string all = accounting.text("cpuacct.usage_all");  // cpu, user, system
  stats.per_cpu_user = times(parse_column(all, 1));
  stats.per_cpu_kernel = times(parse_column(all, 2));
  const std::string text = cpu.text("cpu.stat");
  stats.periods = parse_keyed(text, "nr_periods");
  stats.throttled_periods = parse_keyed(text, "nr_throttled");
  stats.throttled_time = as_time<nanoseconds>(parse_keyed(text, "throttled_time"));
  stats.bursts = parse_keyed(text, "nr_bursts");
  stats.burst_time = as_time<nanoseconds>(parse_keyed(text, "burst_time"));
  stats.cpus = one_line(cpuset.text("cpuset.effective_cpus"));
  stats.mems = one_line(cpuset.text("cpuset.effective_mems"));
  return stats;
}

std::map<std::string, HugePageStats> hugetlb_stats(const StatFiles& files) {
  std::map<std::string, HugePageStats> all;
  for (const std::string& size : files.page_sizes(".limit_in_bytes")) {
    const MemoryCounter pages = counter(files, "hugetlb." + size + ".");
    all[size] = {pages.usage, pages.peak, pages.limit, pages.failures};
  }
  return all;
}

}  // namespace

Stats V1Driver::stats(const Location& location) const {
  const auto files = [&](const char* controller) {
    const Directory* directory = location.find(controller);
    return StatFiles(directory == nullptr ? "" : directory->path());
  };
  Stats stats;
  stats.memory = memory_stats(files("memory"));
  stats.cpu = cpu_stats(files("cpuacct"), files("cpu"), files("cpuset"));
  const StatFiles pids = files("pids");
  stats.pids = {pids.number("pids.current"), pids.number("pids.max"),
                parse_keyed(pids.text("pids.events"), "max")};
  // These count what any scheduler does; blkio.bfq.* only what BFQ does.
  const StatFiles io = files("blkio");
  stats.io.bytes = parse_v1_io(io.text("blkio.throttle.io_service_bytes_recursive"));
  stats.io.operations = parse_v1_io(io.text("blkio.throttle.io_serviced_recursive"));
  stats.hugetlb = hugetlb_stats(files("hugetlb"));
  const StatFiles rdma = files("rdma");
  stats.rdma = parse_rdma(rdma.text("rdma.current"), rdma.text("rdma.max"));
  return stats;
}

}  // namespace minidocker::cgroups
