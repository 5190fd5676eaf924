#include "minidocker/cgroups/limits.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::microseconds;

constexpr microseconds kShortest{1000};
constexpr microseconds kLongest{1'000'000};
constexpr microseconds kUsualPeriod{100'000};

/// Engines write 0 where they mean "not set".
bool is_set(const std::optional<Bytes>& bytes) { return bytes && bytes->value != 0; }
bool is_set(const std::optional<microseconds>& time) { return time && time->count() != 0; }
bool is_set(const std::optional<std::uint64_t>& number) { return number && *number != 0; }

/// Where the kernel does not account swap there is no file for it. That is an error only for who
/// wants a certain amount: no limit needs no file; no swap at all (crun takes it so) and twice the
/// memory (what engines write for who has asked for nothing) are usual.
bool may_lack_swap(const MemoryLimits& memory) {
  if (*memory.swap == kUnlimited) return true;
  const std::uint64_t beside = memory.swap->value - memory.limit->value;
  return beside == 0 || beside == memory.limit->value;
}

std::string v1_bytes(Bytes bytes) {
  return bytes == kUnlimited ? "-1" : std::to_string(bytes.value);
}
std::string v2_bytes(Bytes bytes) {
  return bytes == kUnlimited ? "max" : std::to_string(bytes.value);
}

/// A limit of no process at all would refuse the first one too, where it is born in the group.
std::int64_t at_least_one(std::int64_t pids) { return pids == 0 ? 1 : pids; }

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::invalid_argument, why); }

void check_time(const char* what, microseconds time, microseconds longest) {
  if (time >= kShortest && time <= longest) return;
  refuse(fmt::format("{} of {} us: the kernel takes {} to {} us", what, time.count(),
                     kShortest.count(), longest.count()));
}

void validate_memory(const MemoryLimits& memory) {
  if (!is_set(memory.swap) || *memory.swap == kUnlimited) return;
  if (!is_set(memory.limit)) {
    refuse("memory and swap limit without a memory limit; hint: set both");
  }
  if (*memory.swap < *memory.limit) {
    refuse(fmt::format("memory and swap together ({}) are limited below memory alone ({})",
                       in_words(*memory.swap), in_words(*memory.limit)));
  }
}

void validate_cpu(const CpuLimits& cpu) {
  if (is_set(cpu.period)) check_time("CPU period", *cpu.period, kLongest);
  if (!is_set(cpu.quota) || *cpu.quota == kNoQuota) return;
  check_time("CPU quota", *cpu.quota, microseconds::max());
  if (is_set(cpu.burst) && *cpu.burst > *cpu.quota) {
    refuse(fmt::format("CPU burst of {} us is above the quota of {} us", cpu.burst->count(),
                       cpu.quota->count()));
  }
}

void add_v1_memory(const MemoryLimits& memory, std::vector<ControlWrite>& writes) {
  constexpr const char* kSwapFile = "memory.memsw.limit_in_bytes";
  if (is_set(memory.limit)) {
    // memsw may never be below the limit: a fresh group's is infinite, so the limit goes first;
    // where it is raised above an old memsw, that refuses, and memsw goes first.
    const bool lifted = *memory.limit == kUnlimited && !is_set(memory.swap);
    writes.push_back({"memory", "memory.limit_in_bytes", v1_bytes(*memory.limit), "memory limit",
                      is_set(memory.swap) || lifted});
    if (lifted) writes.push_back({"memory", kSwapFile, "-1", "swap limit", false, true});
  }
  if (is_set(memory.swap)) {
    writes.push_back(
        {"memory", kSwapFile, v1_bytes(*memory.swap), "swap limit", false, may_lack_swap(memory)});
  }
  if (is_set(memory.reservation)) {
    writes.push_back({"memory", "memory.soft_limit_in_bytes", v1_bytes(*memory.reservation),
                      "memory reservation"});
  }
}

void add_v1_cpu(const CpuLimits& cpu, std::vector<ControlWrite>& writes) {
  if (is_set(cpu.shares)) {
    writes.push_back({"cpu", "cpu.shares", std::to_string(*cpu.shares), "CPU shares"});
  }
  if (is_set(cpu.period)) {
    writes.push_back({"cpu", "cpu.cfs_period_us", std::to_string(cpu.period->count()), "CPU period",
                      is_set(cpu.quota)});
  }
  if (is_set(cpu.quota)) {
    writes.push_back({"cpu", "cpu.cfs_quota_us", std::to_string(cpu.quota->count()), "CPU quota"});
  }
  if (is_set(cpu.burst)) {
    writes.push_back({"cpu", "cpu.cfs_burst_us", std::to_string(cpu.burst->count()), "CPU burst"});
  }
}

void add_v2_memory(const MemoryLimits& memory, std::vector<ControlWrite>& writes) {
  if (is_set(memory.swap)) {
    const Bytes swap =
        *memory.swap == kUnlimited ? kUnlimited : Bytes{memory.swap->value - memory.limit->value};
    writes.push_back(
        {"memory", "memory.swap.max", v2_bytes(swap), "swap limit", false, may_lack_swap(memory)});
  }
  if (is_set(memory.limit)) {
    writes.push_back({"memory", "memory.max", v2_bytes(*memory.limit), "memory limit"});
  }
  if (is_set(memory.reservation)) {
    writes.push_back({"memory", "memory.low", v2_bytes(*memory.reservation), "memory reservation"});
  }
}

void add_v2_cpu(const CpuLimits& cpu, std::vector<ControlWrite>& writes) {
  if (is_set(cpu.shares)) {
    writes.push_back(
        {"cpu", "cpu.weight", std::to_string(weight_of_shares(*cpu.shares)), "CPU shares"});
  }
  if (is_set(cpu.quota) || is_set(cpu.period)) {
    const bool bounded = is_set(cpu.quota) && *cpu.quota != kNoQuota;
    writes.push_back({"cpu", "cpu.max",
                      fmt::format("{} {}", bounded ? std::to_string(cpu.quota->count()) : "max",
                                  (is_set(cpu.period) ? *cpu.period : kUsualPeriod).count()),
                      "CPU quota"});
  }
  if (is_set(cpu.burst)) {
    writes.push_back({"cpu", "cpu.max.burst", std::to_string(cpu.burst->count()), "CPU burst"});
  }
}

}  // namespace

std::string Limits::in_words() const {
  std::vector<std::string> words;
  if (is_set(memory.limit) || is_set(memory.reservation) || is_set(memory.swap)) {
    words.emplace_back("a memory limit");
  }
  if (is_set(cpu.shares) || is_set(cpu.quota) || is_set(cpu.period) || is_set(cpu.burst)) {
    words.emplace_back("a CPU limit");
  }
  if (pids) words.emplace_back("a limit of processes");
  return fmt::format("{}", fmt::join(words, " and "));
}

void validate(const Limits& limits) {
  validate_memory(limits.memory);
  validate_cpu(limits.cpu);
  if (limits.pids && *limits.pids < kNoPidsLimit) {
    refuse(fmt::format("limit of {} processes; hint: -1 is no limit", *limits.pids));
  }
}

std::vector<ControlWrite> v1_writes(const Limits& limits) {
  std::vector<ControlWrite> writes;
  add_v1_memory(limits.memory, writes);
  add_v1_cpu(limits.cpu, writes);
  if (limits.pids) {
    writes.push_back({"pids", "pids.max",
                      *limits.pids < 0 ? "max" : std::to_string(at_least_one(*limits.pids)),
                      "limit of processes"});
  }
  return writes;
}

std::vector<ControlWrite> v2_writes(const Limits& limits) {
  std::vector<ControlWrite> writes;
  add_v2_memory(limits.memory, writes);
  add_v2_cpu(limits.cpu, writes);
  if (limits.pids) {
    writes.push_back({"pids", "pids.max",
                      *limits.pids < 0 ? "max" : std::to_string(at_least_one(*limits.pids)),
                      "limit of processes"});
  }
  return writes;
}

std::uint64_t weight_of_shares(std::uint64_t shares) {
  constexpr std::uint64_t kLeast = 2;
  constexpr std::uint64_t kMost = 262'144;
  if (shares <= kLeast) return 1;
  if (shares >= kMost) return 10'000;
  const double log = std::log2(static_cast<double>(shares));
  // (l*l + 125*l) / 612 - 7/34 is 0, 2 and 4 for the three shares that must map exactly.
  const double exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
  return static_cast<std::uint64_t>(std::ceil(std::pow(10.0, exponent)));
}

}  // namespace minidocker::cgroups
