#include "start_figure.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace minidocker::testing {
namespace {

using nlohmann::json;

/// After this the container has ended.
constexpr std::string_view kEnd = "remove what is left of the container";
/// Whoever does these waits for somebody else.
constexpr std::array<std::string_view, 3> kWaits{"recvmsg", "ppoll", "waitid"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kColours{{
    {"00-toolbox", "#7a828c"},
    {"01-namespaces", "#2f5d8c"},
    {"02-cgroups", "#4a7a36"},
    {"03-unionfs", "#b8741a"},
    {"07-security", "#b03a2e"},
    {"runtime", "#6b4a8c"},
}};

std::string_view colour_of(std::string_view chapter) {
  const auto* found = std::ranges::find(kColours, chapter, [](const auto& c) { return c.first; });
  if (found == kColours.end()) throw std::runtime_error("no colour for " + std::string(chapter));
  return found->second;
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&') {
      safe += "&amp;";
    } else if (c == '<') {
      safe += "&lt;";
    } else if (c == '"') {
      safe += "&quot;";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string shortened(const std::string& text) {
  constexpr std::size_t kLongest = 68;
  return text.size() <= kLongest ? text : text.substr(0, kLongest - 3) + "...";
}

std::string label_of(const TimedStep& step) {
  return escaped(step.chapter + ": " + shortened(step.what));
}

}  // namespace

std::vector<TimedStep> steps_of(std::string_view json_lines) {
  std::vector<TimedStep> steps;
  std::vector<std::size_t> open;
  while (!json_lines.empty()) {
    const std::string_view line = json_lines.substr(0, json_lines.find('\n'));
    json_lines.remove_prefix(std::min(line.size() + 1, json_lines.size()));
    if (!line.starts_with('{')) continue;
    const json event = json::parse(line);
    if (event["event"] == "step") {
      if (event["what"] == kEnd) break;
      open.push_back(steps.size());
      steps.push_back({event["chapter"], event["what"], 0});
    } else if (event["event"] == "end") {
      if (!open.empty()) open.pop_back();
    } else if (!open.empty() &&
               std::ranges::find(kWaits, event["name"].get<std::string>()) == kWaits.end()) {
      const double took = event["end_ns"].get<double>() - event["begin_ns"].get<double>();
      steps[open.back()].microseconds += std::max(took, 1.0) / 1000;
    }
  }
  std::erase_if(steps, [](const TimedStep& step) { return step.microseconds == 0; });
  return steps;
}

std::vector<TimedStep> medians_of(const std::vector<std::vector<TimedStep>>& runs) {
  std::vector<TimedStep> medians = runs.at(0);
  for (std::size_t i = 0; i < medians.size(); ++i) {
    std::vector<double> times;
    for (const std::vector<TimedStep>& run : runs) {
      if (run.size() != medians.size() || !run[i].is_like(medians[i])) {
        throw std::runtime_error("not the same steps in every run");
      }
      times.push_back(run[i].microseconds);
    }
    std::ranges::sort(times);
    medians[i].microseconds = times[times.size() / 2];
  }
  return medians;
}

std::string svg_of(const std::vector<TimedStep>& steps) {
  constexpr int kRow = 14;
  constexpr int kTop = 64;
  constexpr int kLeft = 470;
  constexpr double kWidest = 300;
  double most = 0;
  double all = 0;
  for (const TimedStep& step : steps) {
    most = std::max(most, step.microseconds);
    all += step.microseconds;
  }
  const int height = kTop + kRow * static_cast<int>(steps.size()) + 12;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 {0}\" width=\"860\" "
      "height=\"{0}\" role=\"img\" aria-labelledby=\"title desc\" font-family=\"'Segoe UI', "
      "Roboto, 'Liberation Sans', Helvetica, Arial, sans-serif\" font-size=\"11\" "
      "fill=\"#222\">\n"
      "  <title id=\"title\">Where the time of a start goes</title>\n"
      "  <desc id=\"desc\">A bar for each step of mini-runc run, coloured by chapter: the time "
      "its kernel calls take.</desc>\n"
      "  <rect x=\"0.5\" y=\"0.5\" width=\"859\" height=\"{1}\" rx=\"8\" fill=\"#fff\" "
      "stroke=\"#d5d9de\"/>\n"
      "  <text x=\"16\" y=\"24\" font-size=\"14\">Microseconds in kernel calls, by step: {2:.0f} "
      "in all</text>\n",
      height, height - 1, all);
  int x = 16;
  for (const auto& [chapter, colour] : kColours) {
    svg += fmt::format(
        "  <rect x=\"{}\" y=\"36\" width=\"10\" height=\"10\" fill=\"{}\"/><text x=\"{}\" "
        "y=\"45\">{}</text>\n",
        x, colour, x + 14, chapter);
    x += 120;
  }
  int y = kTop;
  for (const TimedStep& step : steps) {
    const double width = std::max(step.microseconds / most * kWidest, 0.5);
    svg += fmt::format(
        "  <text class=\"step\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"{}\" "
        "y=\"{}\" width=\"{:.1f}\" height=\"10\" fill=\"{}\"/><text x=\"{:.1f}\" y=\"{}\">"
        "{:.0f}</text>\n",
        kLeft - 8, y + 9, label_of(step), kLeft, y, width, colour_of(step.chapter),
        kLeft + width + 5, y + 9, step.microseconds);
    y += kRow;
  }
  return svg + "</svg>\n";
}

std::vector<std::string> labels_in(std::string_view svg) {
  constexpr std::string_view kStep = "<text class=\"step\"";
  std::vector<std::string> labels;
  for (std::size_t at = svg.find(kStep); at != std::string_view::npos; at = svg.find(kStep, at)) {
    at = svg.find('>', at) + 1;
    labels.emplace_back(svg.substr(at, svg.find("</text>", at) - at));
  }
  return labels;
}

std::vector<std::string> labels_of(const std::vector<TimedStep>& steps) {
  std::vector<std::string> labels;
  for (const TimedStep& step : steps) labels.push_back(label_of(step));
  return labels;
}

}  // namespace minidocker::testing
