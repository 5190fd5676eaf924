#include "minidocker/cgroups/limits.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "control_write.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::microseconds;

constexpr microseconds kShortest{1000};
constexpr microseconds kLongest{1'000'000};

/// A limit of no process at all would refuse the first one too, where it is born in the group.
std::int64_t at_least_one(std::int64_t pids) { return pids == 0 ? 1 : pids; }

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::invalid_argument, why); }

void check_time(const char* what, microseconds time, microseconds longest) {
  if (time >= kShortest && time <= longest) return;
  refuse(fmt::format("{} of {} us: the kernel takes {} to {} us", what, time.count(),
                     kShortest.count(), longest.count()));
}

void check_range(const char* what, std::uint64_t number, std::uint64_t least, std::uint64_t most) {
  if (number >= least && number <= most) return;
  refuse(fmt::format("{} of {}: must be {} to {}", what, number, least, most));
}

void validate_memory(const MemoryLimits& memory) {
  if (memory.swappiness) check_range("memory swappiness", *memory.swappiness, 0, 100);
  if (!is_set(memory.swap) || *memory.swap == kUnlimited || !is_set(memory.limit)) return;
  if (*memory.swap < *memory.limit) {
    refuse(fmt::format("memory and swap together ({}) are limited below memory alone ({})",
                       in_words(*memory.swap), in_words(*memory.limit)));
  }
}

/// A list of numbers and ranges. The kernel would end it at a newline and drop the rest.
void check_list(const char* what, std::string_view list) {
  if (list.find_first_not_of("0123456789,-") == std::string_view::npos) return;
  refuse(fmt::format("{} {}: must be numbers and ranges, such as 0-2,7", what, quoted(list)));
}

void validate_cpu(const CpuLimits& cpu) {
  check_list("CPUs", cpu.cpus);
  check_list("memory nodes", cpu.mems);
  if (is_set(cpu.period)) check_time("CPU period", *cpu.period, kLongest);
  if (!is_set(cpu.quota) || *cpu.quota == kNoQuota) return;
  check_time("CPU quota", *cpu.quota, microseconds::max());
  if (is_set(cpu.burst) && *cpu.burst > *cpu.quota) {
    refuse(fmt::format("CPU burst of {} us is above the quota of {} us", cpu.burst->count(),
                       cpu.quota->count()));
  }
}

void validate_io(const IoLimits& io) {
  if (is_set(io.weight)) check_range("I/O weight", *io.weight, 10, 1000);
  for (const DeviceWeight& device : io.device_weights) {
    check_range("I/O weight of a device", device.weight, 10, 1000);
  }
}

/// One word that cannot leave the group's directory, nor name two files.
void check_file_name(const char* what, std::string_view name) {
  const bool plain = !name.empty() && name != "." && name != ".." &&
                     name.find_first_of(std::string_view("/\n\0", 3)) == std::string_view::npos;
  if (!plain) refuse(fmt::format("{} {}: must be a plain name", what, quoted(name)));
}

std::string rdma_text(const RdmaLimit& limit) {
  std::string text = limit.device;
  if (limit.handles) text += fmt::format(" hca_handle={}", *limit.handles);
  if (limit.objects) text += fmt::format(" hca_object={}", *limit.objects);
  return text;
}

bool limits_memory(const MemoryLimits& memory) {
  return is_set(memory.limit) || is_set(memory.reservation) || is_set(memory.swap) ||
         is_set(memory.kernel_tcp) || memory.swappiness ||
         memory.disable_oom_killer.value_or(false);
}

bool limits_cpu(const CpuLimits& cpu) {
  return is_set(cpu.shares) || is_set(cpu.quota) || is_set(cpu.period) || is_set(cpu.burst) ||
         cpu.idle.value_or(false) || is_set(cpu.realtime_runtime) || is_set(cpu.realtime_period);
}

bool limits_io(const IoLimits& io) {
  return is_set(io.weight) || !io.device_weights.empty() || !io.read_bytes.empty() ||
         !io.write_bytes.empty() || !io.read_operations.empty() || !io.write_operations.empty();
}

}  // namespace

std::string Limits::in_words() const {
  std::vector<std::string> words;
  const auto add = [&](bool is_limited, const char* what) {
    if (is_limited) words.emplace_back(what);
  };
  add(limits_memory(memory), "a memory limit");
  add(limits_cpu(cpu), "a CPU limit");
  add(!cpu.cpus.empty() || !cpu.mems.empty(), "a set of CPUs");
  add(pids.has_value(), "a limit of processes");
  add(limits_io(io), "an I/O limit");
  add(!hugetlb.empty(), "a limit of huge pages");
  add(!rdma.empty(), "an RDMA limit");
  for (const auto& [file, value] : unified) words.push_back(file);
  return fmt::format("{}", fmt::join(words, " and "));
}

void validate(const Limits& limits) {
  validate_memory(limits.memory);
  validate_cpu(limits.cpu);
  validate_io(limits.io);
  if (limits.pids && *limits.pids < kNoPidsLimit) {
    refuse(fmt::format("limit of {} processes; hint: -1 is no limit", *limits.pids));
  }
  for (const HugePageLimit& limit : limits.hugetlb) check_file_name("page size", limit.page_size);
  for (const RdmaLimit& limit : limits.rdma) {
    check_file_name("RDMA device", limit.device);
    if (!limit.handles && !limit.objects) {
      refuse(fmt::format("RDMA device {}: limits nothing", limit.device));
    }
  }
  for (const auto& [file, value] : limits.unified) check_file_name("cgroup file", file);
}

void add_common(const Limits& limits, std::vector<ControlWrite>& writes) {
  if (limits.pids) {
    writes.push_back({"pids", "pids.max",
                      *limits.pids < 0 ? "max" : std::to_string(at_least_one(*limits.pids)),
                      "limit of processes"});
  }
  if (!limits.cpu.cpus.empty()) {
    writes.push_back({"cpuset", "cpuset.cpus", limits.cpu.cpus, "set of CPUs"});
  }
  if (!limits.cpu.mems.empty()) {
    writes.push_back({"cpuset", "cpuset.mems", limits.cpu.mems, "set of memory nodes"});
  }
  for (const RdmaLimit& limit : limits.rdma) {
    ControlWrite write{"rdma", "rdma.max", rdma_text(limit), "RDMA limit"};
    write.lift = limit.device + " hca_handle=max hca_object=max";
    writes.push_back(std::move(write));
  }
}

void require_limit_beside_swap(const MemoryLimits& memory) {
  if (!is_set(memory.swap) || *memory.swap == kUnlimited || is_set(memory.limit)) return;
  refuse("memory and swap limit without a memory limit; hint: set both");
}

std::string v1_bytes(Bytes bytes) {
  return bytes == kUnlimited ? "-1" : std::to_string(bytes.value);
}
std::string v2_bytes(Bytes bytes) {
  return bytes == kUnlimited ? "max" : std::to_string(bytes.value);
}

void refuse_version(std::string_view what, std::string_view why) {
  throw Error(ErrorKind::unavailable, fmt::format("{}: {}", what, why));
}

}  // namespace minidocker::cgroups
