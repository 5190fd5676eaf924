#include <fmt/format.h>

#include <algorithm>

#include "checks.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {
namespace {

using minidocker::quoted;

void check_device_rules(const Checks& checks, const std::vector<DeviceRule>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string& access = rules[i].access;
    const std::string place = fmt::format("/linux/resources/devices/{}/access", i);
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
void check_amount(const Checks& checks, std::string_view name,
                  const std::optional<std::int64_t>& amount) {
  if (!amount || *amount >= -1) return;
  checks.fail(
      fmt::format("/linux/resources/{}", name),
      fmt::format("{} is out of range, expected a number from 0, or -1 for no limit", *amount));
}

void check_memory(const Checks& checks, const MemoryLimits& memory) {
  check_amount(checks, "memory/limit", memory.limit);
  check_amount(checks, "memory/reservation", memory.reservation);
  check_amount(checks, "memory/swap", memory.swap);
  if (!memory.swap || *memory.swap == -1) return;
  constexpr std::string_view kPlace = "/linux/resources/memory/swap";
  if (!memory.limit || *memory.limit == -1) {
    checks.fail(kPlace, "limits memory and swap together, so it needs memory/limit too");
  }
  if (*memory.swap < *memory.limit) {
    checks.fail(kPlace, fmt::format("{} is below memory/limit {}, which it includes", *memory.swap,
                                    *memory.limit));
  }
}

template <class T>
void check_range(const Checks& checks, std::string_view name, const std::optional<T>& value, T low,
                 T high) {
  if (!value || (*value >= low && *value <= high)) return;
  checks.fail(fmt::format("/linux/resources/cpu/{}", name),
              fmt::format("{} is out of range, expected {} to {}", *value, low, high));
}

// Documentation/scheduler/sched-bwc.rst and, for shares, the v1 cpu controller's bounds.
void check_cpu(const Checks& checks, const CpuLimits& cpu) {
  check_range<std::uint64_t>(checks, "shares", cpu.shares, 2, 262144);
  check_range<std::uint64_t>(checks, "period", cpu.period, 1000, 1'000'000);
  if (cpu.quota && *cpu.quota != -1 && *cpu.quota < 1000) {
    checks.fail("/linux/resources/cpu/quota",
                fmt::format("{} is out of range, expected at least 1000 microseconds, or -1 for "
                            "no limit",
                            *cpu.quota));
  }
}

}  // namespace

void check_resources(Checks& checks, const Resources& resources) {
  check_device_rules(checks, resources.devices);
  check_memory(checks, resources.memory);
  check_cpu(checks, resources.cpu);
  check_amount(checks, "pids/limit", resources.pids_limit);
}

}  // namespace minidocker::spec
