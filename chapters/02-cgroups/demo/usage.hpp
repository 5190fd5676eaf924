#pragma once
/// \file
/// What a group uses, beside what it may: as bars, as a line, as a last word. Texts only, so that
/// they can be tested without a group.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "minidocker/cgroups/limits.hpp"
#include "minidocker/cgroups/stats.hpp"

namespace minidocker::cgroups::demo {

/// A moment of a group's life.
struct Sample {
  std::chrono::steady_clock::time_point when;  ///< it was taken
  Stats stats;                                 ///< what was read
};

/// How many CPUs were busy for the group between two samples; nothing where that is not counted.
[[nodiscard]] std::optional<double> busy_cpus(const Sample& before, const Sample& now);
/// How many CPUs the quota comes to; nothing if there is none.
[[nodiscard]] std::optional<double> granted_cpus(const CpuLimits& limits);

/// `[#####...............]`, `width` characters between the brackets; more than all is all.
[[nodiscard]] std::string bar(double share, std::size_t width);

/// A line with a bar for memory, CPU and tasks each; without a limit there is a number only.
[[nodiscard]] std::string as_bars(const Sample& before, const Sample& now, const Limits& limits);
/// How many lines as_bars() has.
inline constexpr int kBars = 3;
/// The same in one line, for who does not look at a terminal.
[[nodiscard]] std::string as_line(const Sample& before, const Sample& now, const Limits& limits);

/// What it came to in the end, and what the limits have done: killed, throttled, refused.
[[nodiscard]] std::string summary(const Stats& stats, const Limits& limits);

}  // namespace minidocker::cgroups::demo
