#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "checks.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {
namespace {

using minidocker::quoted;

void check_device_rules(const Checks& checks, const std::vector<DeviceRule>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string& access = rules[i].access;
    const std::string place = fmt::format("/devices/{}/access", i);
    if (access.find_first_not_of("rwm") != std::string::npos) {
      checks.fail(place, fmt::format("{} holds other letters than r (read), w (write) and m "
                                     "(mknod)",
                                     quoted(access)));
    }
    for (const char letter : access) {
      if (std::ranges::count(access, letter) > 1) {
        checks.fail(place, fmt::format("{} has {} twice", quoted(access), letter));
      }
    }
  }
}

// An amount, or -1 for "no limit".
void check_amount(const Checks& checks, std::string_view place,
                  const std::optional<std::int64_t>& amount) {
  if (!amount || *amount >= -1) return;
  checks.fail(place, fmt::format("{} is out of range, expected a number from 0, or -1 for no limit",
                                 *amount));
}

template <class T>
void check_range(const Checks& checks, std::string_view place, const std::optional<T>& value,
                 std::type_identity_t<T> low, std::type_identity_t<T> high) {
  if (!value || (*value >= low && *value <= high)) return;
  checks.fail(place, fmt::format("{} is out of range, expected {} to {}", *value, low, high));
}

void check_memory(const Checks& checks, const MemoryLimits& memory) {
  check_amount(checks, "/memory/limit", memory.limit);
  check_amount(checks, "/memory/reservation", memory.reservation);
  check_amount(checks, "/memory/swap", memory.swap);
  check_amount(checks, "/memory/kernelTCP", memory.kernel_tcp);
  check_range(checks, "/memory/swappiness", memory.swappiness, 0, 100);
  if (!memory.swap || *memory.swap == -1) return;
  constexpr std::string_view kPlace = "/memory/swap";
  if (!memory.limit || *memory.limit == -1) {
    checks.fail(kPlace, "limits memory and swap together, so it needs memory/limit too");
  }
  if (*memory.swap < *memory.limit) {
    checks.fail(kPlace, fmt::format("{} is below memory/limit {}, which it includes", *memory.swap,
                                    *memory.limit));
  }
}

// "0-3,5": what the kernel's bitmap_parselist() takes, without its strides.
bool is_list_of_numbers(std::string_view text) {
  const char* next = text.data();
  const char* const end = next + text.size();
  const auto take_number = [&](std::uint32_t& number) {
    const auto [rest, error] = std::from_chars(next, end, number);
    next = rest;
    return error == std::errc();
  };
  while (true) {
    std::uint32_t low = 0;
    if (!take_number(low)) return false;
    std::uint32_t high = low;
    if (next != end && *next == '-' && (++next, !take_number(high))) return false;
    if (high < low) return false;
    if (next == end) return true;
    if (*next++ != ',') return false;
  }
}

void check_list(const Checks& checks, std::string_view place, const std::string& list) {
  if (list.empty() || is_list_of_numbers(list)) return;
  checks.fail(place, fmt::format("{} is no list of numbers such as 0-3,5", quoted(list)));
}

void check_burst(const Checks& checks, const CpuLimits& cpu) {
  if (!cpu.burst || *cpu.burst == 0 || !cpu.quota || *cpu.quota == -1) return;
  if (*cpu.burst <= static_cast<std::uint64_t>(*cpu.quota)) return;
  checks.fail("/cpu/burst", fmt::format("{} is above cpu/quota {}", *cpu.burst, *cpu.quota));
}

void check_realtime(const Checks& checks, const CpuLimits& cpu) {
  check_amount(checks, "/cpu/realtimeRuntime", cpu.realtime_runtime);
  // The kernel keeps it in an int of microseconds.
  check_range(checks, "/cpu/realtimePeriod", cpu.realtime_period, 1,
              std::numeric_limits<std::int32_t>::max());
  if (!cpu.realtime_runtime || !cpu.realtime_period) return;
  if (*cpu.realtime_runtime > static_cast<std::int64_t>(*cpu.realtime_period)) {
    checks.fail("/cpu/realtimeRuntime", fmt::format("{} is above cpu/realtimePeriod {}",
                                                    *cpu.realtime_runtime, *cpu.realtime_period));
  }
}

// Documentation/scheduler/sched-bwc.rst and, for shares, the v1 cpu controller's bounds.
void check_cpu(const Checks& checks, const CpuLimits& cpu) {
  check_range(checks, "/cpu/shares", cpu.shares, 2, 262144);
  check_range(checks, "/cpu/period", cpu.period, 1000, 1'000'000);
  if (cpu.quota && *cpu.quota != -1 && *cpu.quota < 1000) {
    checks.fail("/cpu/quota", fmt::format("{} is out of range, expected at least 1000 "
                                          "microseconds, or -1 for no limit",
                                          *cpu.quota));
  }
  check_burst(checks, cpu);
  check_realtime(checks, cpu);
  check_list(checks, "/cpu/cpus", cpu.cpus);
  check_list(checks, "/cpu/mems", cpu.mems);
  check_range(checks, "/cpu/idle", cpu.idle, 0, 1);
}

constexpr std::uint16_t kLightest = 10;
constexpr std::uint16_t kHeaviest = 1000;

void check_block_io(const Checks& checks, const BlockIo& io) {
  check_range(checks, "/blockIO/weight", io.weight, kLightest, kHeaviest);
  for (std::size_t i = 0; i < io.weight_device.size(); ++i) {
    check_range(checks, fmt::format("/blockIO/weightDevice/{}/weight", i),
                std::optional(io.weight_device[i].weight), kLightest, kHeaviest);
  }
}

// As the kernel names its files: hugetlb.2MB.limit_in_bytes.
bool is_page_size(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view unit = text.substr(digits);
  return digits > 0 && text.front() != '0' && (unit == "KB" || unit == "MB" || unit == "GB");
}

void check_hugepages(const Checks& checks, const std::vector<HugepageLimit>& limits) {
  for (std::size_t i = 0; i < limits.size(); ++i) {
    if (is_page_size(limits[i].page_size)) continue;
    checks.fail(fmt::format("/hugepageLimits/{}/pageSize", i),
                fmt::format("{} is no size such as 64KB, 2MB or 1GB", quoted(limits[i].page_size)));
  }
}

void check_rdma(const Checks& checks, const std::map<std::string, RdmaLimit>& limits) {
  for (const auto& [device, limit] : limits) {
    if (limit.hca_handles || limit.hca_objects) continue;
    checks.fail("/rdma", fmt::format("{} has neither hcaHandles nor hcaObjects", quoted(device)));
  }
}

// Each is a file of the group itself: a path would leave it.
void check_unified(const Checks& checks, const std::map<std::string, std::string>& files) {
  for (const auto& [file, value] : files) {
    if (!file.empty() && file.find('/') == std::string::npos && !file.starts_with('.')) continue;
    checks.fail("/unified", fmt::format("{} is no name of a file in a cgroup", quoted(file)));
  }
}

}  // namespace

void check_resources(const Checks& checks, const Resources& resources) {
  check_device_rules(checks, resources.devices);
  check_memory(checks, resources.memory);
  check_cpu(checks, resources.cpu);
  check_amount(checks, "/pids/limit", resources.pids_limit);
  check_block_io(checks, resources.block_io);
  check_hugepages(checks, resources.hugepage_limits);
  check_rdma(checks, resources.rdma);
  check_unified(checks, resources.unified);
}

}  // namespace minidocker::spec
