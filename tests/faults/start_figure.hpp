#pragma once
/// \file
/// Where the time of a start goes: out of what --explain=json tells, as a picture.

#include <string>
#include <string_view>
#include <vector>

namespace minidocker::testing {

/// A step of a start.
struct TimedStep {
  std::string chapter;      ///< "02-cgroups"
  std::string what;         ///< in words
  double microseconds = 0;  ///< in kernel calls, waiting for another process left aside
  /// The same step; times differ from run to run.
  [[nodiscard]] bool is_like(const TimedStep& other) const {
    return chapter == other.chapter && what == other.what;
  }
};

/// The steps up to the program's first instruction, in the order in which they are told; those
/// without a kernel call of their own are left out.
[[nodiscard]] std::vector<TimedStep> steps_of(std::string_view json_lines);

/// Of several runs of the same steps the median time of each.
[[nodiscard]] std::vector<TimedStep> medians_of(const std::vector<std::vector<TimedStep>>& runs);

/// A bar for each step, coloured by chapter.
[[nodiscard]] std::string svg_of(const std::vector<TimedStep>& steps);
/// What stands beside the bars of such a picture, one line each: chapter and step.
[[nodiscard]] std::vector<std::string> labels_in(std::string_view svg);
/// The same of steps.
[[nodiscard]] std::vector<std::string> labels_of(const std::vector<TimedStep>& steps);

}  // namespace minidocker::testing
