#include "usage.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

namespace minidocker::cgroups::demo {
namespace {

using Seconds = std::chrono::duration<double>;

/// One thing of which there may be a limit.
struct Meter {
  const char* name;
  std::optional<double> used;
  std::optional<double> limit;
  std::string (*in_words)(double amount);
};

std::string bytes(double amount) {
  return minidocker::in_words(Bytes{static_cast<std::uint64_t>(amount)});
}
std::string cpus(double amount) { return fmt::format("{:.2f} CPUs", amount); }
std::string count(double amount) { return fmt::format("{:.0f}", amount); }

template <class T>
std::optional<double> number(const std::optional<T>& value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}
std::optional<double> number(const std::optional<Bytes>& value) {
  return value ? std::optional(static_cast<double>(value->value)) : std::nullopt;
}

std::vector<Meter> meters(const Sample& before, const Sample& now, const Limits& limits) {
  return {
      {"memory", number(now.stats.memory.usage), number(now.stats.memory.limit), bytes},
      {"CPU", busy_cpus(before, now), granted_cpus(limits.cpu), cpus},
      {"tasks", number(now.stats.pids.current), number(now.stats.pids.limit), count},
  };
}

std::string words(const Meter& meter) {
  if (!meter.used) return "not counted";
  const std::string used = meter.in_words(*meter.used);
  return meter.limit ? used + " of " + meter.in_words(*meter.limit) : used;
}

std::string seconds(std::optional<std::chrono::nanoseconds> time) {
  return fmt::format("{:.2f} s", time ? Seconds(*time).count() : 0.0);
}

std::string times(std::uint64_t number) {
  return number == 1 ? "once" : fmt::format("{} times", number);
}

std::string memory_summary(const MemoryStats& memory) {
  std::string text = "memory: ";
  text += memory.peak ? "at most " + minidocker::in_words(*memory.peak) : "peak not counted";
  if (memory.limit) text += " of " + minidocker::in_words(*memory.limit);
  if (memory.failures.value_or(0) > 0) text += ", ran into the limit";
  const std::uint64_t kills = memory.oom_kills.value_or(0);
  if (kills > 0) text += fmt::format(", and was killed for it {}", times(kills));
  return text;
}

std::string cpu_summary(const CpuStats& cpu, const CpuLimits& limits) {
  std::string text = "CPU: " + (cpu.usage ? seconds(cpu.usage) : std::string("not counted"));
  if (!granted_cpus(limits)) return text;
  return text + fmt::format(", made to wait {} in {} of {} periods", seconds(cpu.throttled_time),
                            cpu.throttled_periods.value_or(0), cpu.periods.value_or(0));
}

std::string pids_summary(const PidsStats& pids) {
  if (!pids.limit) return "";
  const std::uint64_t refused = pids.refused.value_or(0);
  return refused == 0 ? "tasks: none was refused"
                      : fmt::format("tasks: a new one was refused {}", times(refused));
}

}  // namespace

std::optional<double> busy_cpus(const Sample& before, const Sample& now) {
  if (!before.stats.cpu.usage || !now.stats.cpu.usage) return std::nullopt;
  const double elapsed = Seconds(now.when - before.when).count();
  if (elapsed <= 0) return 0;
  return Seconds(*now.stats.cpu.usage - *before.stats.cpu.usage).count() / elapsed;
}

std::optional<double> granted_cpus(const CpuLimits& limits) {
  if (!limits.quota || limits.quota->count() <= 0 || !limits.period) return std::nullopt;
  return static_cast<double>(limits.quota->count()) / static_cast<double>(limits.period->count());
}

std::string bar(double share, std::size_t width) {
  const double clamped = std::clamp(share, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(clamped * static_cast<double>(width) + 0.5);
  return "[" + std::string(filled, '#') + std::string(width - filled, '.') + "]";
}

std::string as_bars(const Sample& before, const Sample& now, const Limits& limits) {
  constexpr std::size_t kWidth = 40;
  std::string text;
  for (const Meter& meter : meters(before, now, limits)) {
    const bool has_bar = meter.used && meter.limit && *meter.limit > 0;
    text += fmt::format("{:<7}{:<{}} {}\n", meter.name,
                        has_bar ? bar(*meter.used / *meter.limit, kWidth) : "", kWidth + 2,
                        words(meter));
  }
  return text;
}

std::string as_line(const Sample& before, const Sample& now, const Limits& limits) {
  std::string text;
  for (const Meter& meter : meters(before, now, limits)) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", meter.name, words(meter));
  }
  return text + "\n";
}

std::string summary(const Stats& stats, const Limits& limits) {
  std::string text;
  for (const std::string& line : {memory_summary(stats.memory), cpu_summary(stats.cpu, limits.cpu),
                                  pids_summary(stats.pids)}) {
    if (!line.empty()) text += line + "\n";
  }
  return text;
}

}  // namespace minidocker::cgroups::demo
