// Limits in the files of cgroup v1. Read it beside v2_limits.cpp.
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "control_write.hpp"

namespace minidocker::cgroups {
namespace {

/// Numbers of ControlWrite::bound.
enum Bound { kNone, kMemory, kWeight, kBandwidth, kRealtime };

void add_memory(const MemoryLimits& memory, std::vector<ControlWrite>& writes) {
  constexpr const char* kSwapFile = "memory.memsw.limit_in_bytes";
  const bool lifted = is_set(memory.limit) && *memory.limit == kUnlimited && !is_set(memory.swap);
  // The limit may never be above the one of memory and swap together: going up that one is written
  // first, going down last.
  if (is_set(memory.limit)) {
    writes.push_back(
        {"memory", "memory.limit_in_bytes", v1_bytes(*memory.limit), "memory limit", kMemory});
  }
  if (is_set(memory.swap) || lifted) {
    const Bytes swap = lifted ? kUnlimited : *memory.swap;
    // Where swap is not accounted there is no file, and nothing that would have to be lifted.
    writes.push_back(
        {"memory", kSwapFile, v1_bytes(swap), "swap limit", kMemory, swap == kUnlimited});
  }
  if (is_set(memory.reservation)) {
    writes.push_back({"memory", "memory.soft_limit_in_bytes", v1_bytes(*memory.reservation),
                      "memory reservation"});
  }
  if (is_set(memory.kernel_tcp)) {
    writes.push_back({"memory", "memory.kmem.tcp.limit_in_bytes", v1_bytes(*memory.kernel_tcp),
                      "limit of TCP buffers"});
  }
  if (memory.swappiness) {
    writes.push_back(
        {"memory", "memory.swappiness", std::to_string(*memory.swappiness), "memory swappiness"});
  }
  if (memory.disable_oom_killer) {
    // Engines always say whether: "no" to a host without this controller asks for nothing.
    writes.push_back({"memory", "memory.oom_control", *memory.disable_oom_killer ? "1" : "0",
                      "OOM killer", kNone, !*memory.disable_oom_killer});
  }
}

void add_cpu(const CpuLimits& cpu, std::vector<ControlWrite>& writes) {
  const auto add = [&](const char* file, const std::string& value, const char* what, int bound) {
    writes.push_back({"cpu", file, value, what, bound});
  };
  const auto add_time = [&](const auto& time, const char* file, const char* what, int bound) {
    if (is_set(time)) add(file, std::to_string(time->count()), what, bound);
  };
  // A group that is idle takes no shares.
  if (is_set(cpu.shares)) add("cpu.shares", std::to_string(*cpu.shares), "CPU shares", kWeight);
  if (cpu.idle) add("cpu.idle", *cpu.idle ? "1" : "0", "idle CPU time", kWeight);
  // The quota may not be below the burst; quota and period not beyond what the group above has.
  add_time(cpu.period, "cpu.cfs_period_us", "CPU period", kBandwidth);
  add_time(cpu.quota, "cpu.cfs_quota_us", "CPU quota", kBandwidth);
  add_time(cpu.burst, "cpu.cfs_burst_us", "CPU burst", kBandwidth);
  add_time(cpu.realtime_period, "cpu.rt_period_us", "realtime period", kRealtime);
  add_time(cpu.realtime_runtime, "cpu.rt_runtime_us", "realtime runtime", kRealtime);
}

void add_rates(const std::vector<DeviceRate>& rates, const char* file, const char* what,
               std::vector<ControlWrite>& writes) {
  for (const DeviceRate& rate : rates) {
    const std::string device = fmt::format("{}:{}", rate.device.major, rate.device.minor);
    ControlWrite write{"blkio", file, fmt::format("{} {}", device, rate.per_second), what};
    write.lift = device + " 0";
    writes.push_back(std::move(write));
  }
}

void add_io(const IoLimits& io, std::vector<ControlWrite>& writes) {
  // The scheduler BFQ has its own file; CFQ's went with CFQ in 5.0, and old kernels are not ours.
  if (is_set(io.weight)) {
    writes.push_back({"blkio", "blkio.bfq.weight", std::to_string(*io.weight), "I/O weight"});
  }
  for (const DeviceWeight& weight : io.device_weights) {
    const std::string device = fmt::format("{}:{}", weight.device.major, weight.device.minor);
    ControlWrite write{"blkio", "blkio.bfq.weight_device",
                       fmt::format("{} {}", device, weight.weight), "I/O weight of a device"};
    write.lift = device + " default";
    writes.push_back(std::move(write));
  }
  add_rates(io.read_bytes, "blkio.throttle.read_bps_device", "read rate", writes);
  add_rates(io.write_bytes, "blkio.throttle.write_bps_device", "write rate", writes);
  add_rates(io.read_operations, "blkio.throttle.read_iops_device", "rate of reads", writes);
  add_rates(io.write_operations, "blkio.throttle.write_iops_device", "rate of writes", writes);
}

void add_hugetlb(const std::vector<HugePageLimit>& limits, std::vector<ControlWrite>& writes) {
  for (const HugePageLimit& limit : limits) {
    const std::string value = v1_bytes(limit.limit);
    writes.push_back({"hugetlb", fmt::format("hugetlb.{}.limit_in_bytes", limit.page_size), value,
                      "limit of huge pages"});
    writes.push_back({"hugetlb", fmt::format("hugetlb.{}.rsvd.limit_in_bytes", limit.page_size),
                      value, "limit of reserved huge pages", kNone, true});
  }
}

}  // namespace

std::vector<ControlWrite> v1_writes(const Limits& limits) {
  if (!limits.unified.empty()) {
    refuse_version(limits.unified.begin()->first,
                   "a file of cgroup v2, but this host has v1; hint: boot with "
                   "systemd.unified_cgroup_hierarchy=1, or use the limits that both have");
  }
  std::vector<ControlWrite> writes;
  add_memory(limits.memory, writes);
  add_cpu(limits.cpu, writes);
  add_common(limits, writes);
  add_io(limits.io, writes);
  add_hugetlb(limits.hugetlb, writes);
  return writes;
}

}  // namespace minidocker::cgroups
