// Limits in the files of cgroup v2. Read it beside v1_limits.cpp.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "control_write.hpp"
#include "minidocker/cgroups/weights.hpp"

namespace minidocker::cgroups {
namespace {

/// Numbers of ControlWrite::bound.
enum Bound { kNone, kWeight, kBandwidth };

/// What only v1 has is refused by name: taken in silence it would be believed to hold.
void refuse_what_v1_alone_has(const Limits& limits) {
  constexpr const char* kNot = "cgroup v2 has none; hint: leave it out";
  if (is_set(limits.memory.kernel_tcp)) refuse_version("limit of TCP buffers", kNot);
  if (limits.memory.swappiness) refuse_version("memory swappiness", kNot);
  if (limits.memory.disable_oom_killer.value_or(false)) {
    refuse_version("disabled OOM killer",
                   "cgroup v2 always kills at memory.max; hint: memory.high "
                   "slows down instead");
  }
  if (is_set(limits.cpu.realtime_runtime) || is_set(limits.cpu.realtime_period)) {
    refuse_version("realtime CPU time", kNot);
  }
}

void add_memory(const MemoryLimits& memory, std::vector<ControlWrite>& writes) {
  const auto add = [&](const char* file, Bytes bytes, const char* what, bool optional = false) {
    writes.push_back({"memory", file, v2_bytes(bytes), what, kNone, optional});
  };
  require_limit_beside_swap(memory);
  // v2 counts swap alone. Where it does not account it there is no file, and nothing to be lifted.
  if (is_set(memory.swap) && *memory.swap == kUnlimited) {
    add("memory.swap.max", kUnlimited, "swap limit", true);
  } else if (is_set(memory.swap)) {
    add("memory.swap.max", Bytes{memory.swap->value - memory.limit->value}, "swap limit");
  }
  if (is_set(memory.limit)) add("memory.max", *memory.limit, "memory limit");
  if (is_set(memory.reservation)) add("memory.low", *memory.reservation, "memory reservation");
}

std::string cpu_max(const CpuLimits& cpu) {
  std::string text =
      !is_set(cpu.quota) || *cpu.quota == kNoQuota ? "max" : std::to_string(cpu.quota->count());
  if (is_set(cpu.period)) text += fmt::format(" {}", cpu.period->count());
  return text;  // a quota alone leaves the period
}

void add_cpu(const CpuLimits& cpu, std::vector<ControlWrite>& writes) {
  const auto add = [&](const char* file, const std::string& value, const char* what, int bound) {
    writes.push_back({"cpu", file, value, what, bound});
  };
  // A group that is idle takes no weight.
  if (is_set(cpu.shares)) {
    add("cpu.weight", std::to_string(weight_of_shares(*cpu.shares)), "CPU shares", kWeight);
  }
  if (cpu.idle) add("cpu.idle", *cpu.idle ? "1" : "0", "idle CPU time", kWeight);
  // The quota may not be below the burst.
  if (is_set(cpu.quota) || is_set(cpu.period)) {
    add("cpu.max", cpu_max(cpu), "CPU quota", kBandwidth);
  }
  if (is_set(cpu.burst)) {
    add("cpu.max.burst", std::to_string(cpu.burst->count()), "CPU burst", kBandwidth);
  }
}

void add_weight(const std::string& device, std::uint64_t weight, const char* what,
                std::vector<ControlWrite>& writes) {
  ControlWrite write{"io", "io.bfq.weight", fmt::format("{}{}", device, weight), what};
  // The scheduler BFQ keeps v1's range; the controller's own weight has that of cpu.weight.
  write.other_file = "io.weight";
  write.other_value = fmt::format("{}{}", device, io_weight_of(weight));
  if (!device.empty()) write.lift = device + "default";
  writes.push_back(std::move(write));
}

void add_rates(const std::vector<DeviceRate>& rates, const char* key, const char* what,
               std::vector<ControlWrite>& writes) {
  for (const DeviceRate& rate : rates) {
    const std::string start = fmt::format("{}:{} {}=", rate.device.major, rate.device.minor, key);
    ControlWrite write{"io", "io.max",
                       start + (rate.per_second == 0 ? "max" : std::to_string(rate.per_second)),
                       what};
    write.lift = start + "max";
    writes.push_back(std::move(write));
  }
}

void add_io(const IoLimits& io, std::vector<ControlWrite>& writes) {
  if (is_set(io.weight)) add_weight("", *io.weight, "I/O weight", writes);
  for (const DeviceWeight& weight : io.device_weights) {
    add_weight(fmt::format("{}:{} ", weight.device.major, weight.device.minor), weight.weight,
               "I/O weight of a device", writes);
  }
  add_rates(io.read_bytes, "rbps", "read rate", writes);
  add_rates(io.write_bytes, "wbps", "write rate", writes);
  add_rates(io.read_operations, "riops", "rate of reads", writes);
  add_rates(io.write_operations, "wiops", "rate of writes", writes);
}

void add_hugetlb(const std::vector<HugePageLimit>& limits, std::vector<ControlWrite>& writes) {
  for (const HugePageLimit& limit : limits) {
    const std::string value = v2_bytes(limit.limit);
    writes.push_back(
        {"hugetlb", fmt::format("hugetlb.{}.max", limit.page_size), value, "limit of huge pages"});
    writes.push_back({"hugetlb", fmt::format("hugetlb.{}.rsvd.max", limit.page_size), value,
                      "limit of reserved huge pages", kNone, true});
  }
}

}  // namespace

std::vector<ControlWrite> v2_writes(const Limits& limits) {
  refuse_what_v1_alone_has(limits);
  std::vector<ControlWrite> writes;
  add_memory(limits.memory, writes);
  add_cpu(limits.cpu, writes);
  add_common(limits, writes);
  add_io(limits.io, writes);
  add_hugetlb(limits.hugetlb, writes);
  for (const auto& [file, value] : limits.unified) {
    writes.push_back({file.substr(0, file.find('.')), file, value, "cgroup file"});
  }
  return writes;
}

}  // namespace minidocker::cgroups
