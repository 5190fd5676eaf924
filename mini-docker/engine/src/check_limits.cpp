#include "check_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/location.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::engine {
namespace {

constexpr std::int64_t kNanosPerCpu = 1'000'000'000;
constexpr Bytes kLeastMemory{6 * 1024 * 1024};

template <class... Values>
void refuse_if(bool wrong, fmt::format_string<Values...> why, Values&&... values) {
  if (!wrong) return;
  throw Error(ErrorKind::invalid_argument, fmt::format(why, std::forward<Values>(values)...));
}

using Numbers = std::set<std::uint32_t>;

/// "0-2,7" as numbers; nothing if it is no such list. `highest` bounds the work.
std::optional<Numbers> find_numbers(std::string_view list, std::uint32_t highest) {
  Numbers numbers;
  const char* next = list.data();
  const char* const end = next + list.size();
  while (true) {
    std::uint32_t low = 0;
    auto result = std::from_chars(next, end, low);
    if (result.ec != std::errc()) return std::nullopt;
    std::uint32_t high = low;
    if (result.ptr != end && *result.ptr == '-') {
      result = std::from_chars(result.ptr + 1, end, high);
      if (result.ec != std::errc() || high < low) return std::nullopt;
    }
    for (std::uint32_t n = low; n <= std::min(high, highest); ++n) numbers.insert(n);
    if (high > highest) numbers.insert(high);
    if (result.ptr == end) return numbers;
    if (*result.ptr != ',') return std::nullopt;
    next = result.ptr + 1;
  }
}

void check_set(const std::string& wish, const std::string& available, std::string_view name,
               std::string_view things) {
  constexpr std::uint32_t kHighest = 8192;  // CONFIG_NR_CPUS, MAX_NUMNODES
  if (wish.empty()) return;
  const std::optional<Numbers> wished = find_numbers(wish, kHighest);
  refuse_if(!wished, "Invalid value {} for cpuset {}", wish, name);
  const Numbers there = find_numbers(available, kHighest).value_or(Numbers{});
  refuse_if(!std::ranges::includes(there, *wished),
            "Requested {} are not available - requested {}, available: {}", things, wish,
            available);
}

void check_memory(const LimitsRequest& limits) {
  const std::int64_t swap = limits.memory_swap.value_or(0);
  refuse_if(limits.memory && *limits.memory < kLeastMemory, "Minimum memory limit allowed is 6MB");
  refuse_if(limits.memory && swap > 0 && static_cast<std::uint64_t>(swap) < limits.memory->value,
            "Minimum memoryswap limit should be larger than memory limit, see usage");
  refuse_if(!limits.memory && swap > 0,
            "You should always set the Memory limit when using Memoryswap limit, see usage");
  const std::optional<Bytes> reservation = limits.memory_reservation;
  refuse_if(reservation && *reservation < kLeastMemory,
            "Minimum memory reservation allowed is 6MB");
  refuse_if(reservation && limits.memory && *limits.memory < *reservation,
            "Minimum memory limit can not be less than memory reservation limit, see usage");
  const int swappiness = limits.memory_swappiness.value_or(0);
  refuse_if(swappiness < 0 || swappiness > 100,
            "Invalid value: {}, valid memory swappiness range is 0-100", swappiness);
}

void check_cpus(std::int64_t nano_cpus, const Machine& machine) {
  const std::size_t available = find_numbers(machine.cpus, UINT16_MAX).value_or(Numbers{0}).size();
  const std::int64_t most = static_cast<std::int64_t>(available) * kNanosPerCpu;
  refuse_if(nano_cpus < kNanosPerCpu / 100 || nano_cpus > most,
            "range of CPUs is from 0.01 to {0}.00, as there are only {0} CPUs available",
            available);
}

void check_cpu(const LimitsRequest& limits, const Machine& machine) {
  refuse_if(limits.nano_cpus && limits.cpu_period,
            "Conflicting options: Nano CPUs and CPU Period cannot both be set");
  refuse_if(limits.nano_cpus && limits.cpu_quota,
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (limits.nano_cpus) check_cpus(*limits.nano_cpus, machine);
  refuse_if(limits.cpu_shares.value_or(0) < 0, "CPU shares of {}: invalid argument",
            limits.cpu_shares.value_or(0));
  refuse_if(limits.cpu_period && (*limits.cpu_period < 1000 || *limits.cpu_period > 1'000'000),
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  refuse_if(limits.cpu_quota && *limits.cpu_quota > 0 && *limits.cpu_quota < 1000,
            "CPU cfs quota can not be less than 1ms (i.e. 1000)");
  refuse_if(limits.cpu_rt_period && limits.cpu_rt_runtime &&
                *limits.cpu_rt_runtime > *limits.cpu_rt_period,
            "cpu real-time runtime cannot be higher than cpu real-time period");
  check_set(limits.cpuset_cpus, machine.cpus, "cpus", "CPUs");
  check_set(limits.cpuset_mems, machine.mems, "mems", "memory nodes");
}

std::string line_of(const char* path, const std::string& otherwise) {
  std::string text = find_file(path).value_or(otherwise);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

/// v1 has files for it only where the kernel was booted to account swap; v2 wherever it has swap.
bool swap_is_counted() {
  for (const cgroups::Hierarchy& hierarchy : cgroups::detect().hierarchies) {
    if (!cgroups::names_controller(hierarchy.controllers, "memory")) continue;
    return exists(hierarchy.mount + "/memory.memsw.limit_in_bytes");
  }
  return exists("/proc/swaps");
}

/// A flag, and whether it was used with a value that means something.
struct Wish {
  const char* flag;
  bool (*is_there)(const LimitsRequest&);
};

// Of several the first is named. Device rules are not here: an ordinary user has none.
constexpr std::array kWishes{
    Wish{"--memory", [](const LimitsRequest& l) { return l.memory.has_value(); }},
    Wish{"--memory-swap", [](const LimitsRequest& l) { return l.memory_swap.has_value(); }},
    Wish{"--memory-reservation",
         [](const LimitsRequest& l) { return l.memory_reservation.has_value(); }},
    Wish{"--memory-swappiness",
         [](const LimitsRequest& l) { return l.memory_swappiness.has_value(); }},
    Wish{"--oom-kill-disable", [](const LimitsRequest& l) { return l.oom_kill_disable; }},
    Wish{"--cpus", [](const LimitsRequest& l) { return l.nano_cpus.has_value(); }},
    Wish{"--cpu-shares", [](const LimitsRequest& l) { return l.cpu_shares.has_value(); }},
    Wish{"--cpu-period", [](const LimitsRequest& l) { return l.cpu_period.has_value(); }},
    Wish{"--cpu-quota", [](const LimitsRequest& l) { return l.cpu_quota.has_value(); }},
    Wish{"--cpu-rt-period", [](const LimitsRequest& l) { return l.cpu_rt_period.has_value(); }},
    Wish{"--cpu-rt-runtime", [](const LimitsRequest& l) { return l.cpu_rt_runtime.has_value(); }},
    Wish{"--cpuset-cpus", [](const LimitsRequest& l) { return !l.cpuset_cpus.empty(); }},
    Wish{"--cpuset-mems", [](const LimitsRequest& l) { return !l.cpuset_mems.empty(); }},
    Wish{"--pids-limit", [](const LimitsRequest& l) { return l.pids.has_value(); }},
    Wish{"--blkio-weight", [](const LimitsRequest& l) { return l.blkio_weight.has_value(); }},
    Wish{"--blkio-weight-device",
         [](const LimitsRequest& l) { return !l.blkio_weight_device.empty(); }},
    Wish{"--device-read-bps", [](const LimitsRequest& l) { return !l.device_read_bps.empty(); }},
    Wish{"--device-write-bps", [](const LimitsRequest& l) { return !l.device_write_bps.empty(); }},
    Wish{"--device-read-iops", [](const LimitsRequest& l) { return !l.device_read_iops.empty(); }},
    Wish{"--device-write-iops",
         [](const LimitsRequest& l) { return !l.device_write_iops.empty(); }},
    Wish{"--cgroup-parent", [](const LimitsRequest& l) { return !l.cgroup_parent.empty(); }},
};

/// The flag that needs a group; null if none does.
const char* flag_that_needs_a_group(const CreateRequest& request) {
  for (const Wish& wish : kWishes) {
    if (wish.is_there(request.limits)) return wish.flag;
  }
  return request.device_rules.empty() ? nullptr : "--device-cgroup-rule";
}

}  // namespace

Machine Machine::current() {
  // Without NUMA there is no directory of nodes.
  return {line_of("/sys/devices/system/cpu/online", "0"),
          line_of("/sys/devices/system/node/online", "0"), swap_is_counted()};
}

std::vector<std::string> check_limits(const CreateRequest& request, const Machine& machine) {
  const LimitsRequest& limits = request.limits;
  check_memory(limits);
  check_cpu(limits, machine);
  const std::uint16_t weight = limits.blkio_weight.value_or(10);
  refuse_if(weight < 10 || weight > 1000, "Range of blkio weight is from 10 to 1000");
  const int score = request.oom_score_adj.value_or(0);
  refuse_if(score < -1000 || score > 1000,
            "Invalid value {}, range for oom score adj is [-1000, 1000]", score);
  std::vector<std::string> warnings;
  if (limits.memory && !limits.memory_swap && !machine.counts_swap) {
    warnings.emplace_back(
        "Your kernel does not support swap limit capabilities or the cgroup is not mounted. "
        "Memory limited without swap.");
  }
  if (limits.oom_kill_disable && !limits.memory) {
    warnings.emplace_back(
        "OOM killer is disabled for the container, but no memory limit is set, this can result in "
        "the system running out of resources.");
  }
  return warnings;
}

void check_delegation(const CreateRequest& request) {
  const char* flag = flag_that_needs_a_group(request);
  if (flag == nullptr) return;
  const std::optional<cgroups::Reason> reason = cgroups::why_not(cgroups::detect());
  if (reason) cgroups::refuse(*reason, flag);
}

}  // namespace minidocker::engine
