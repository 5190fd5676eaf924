#include "tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "durations.hpp"

namespace minidocker::cli {
namespace {

using engine::State;

constexpr std::size_t kLeastWidth = 10;
constexpr std::size_t kGap = 3;
constexpr std::size_t kShortId = 12;
constexpr std::size_t kShownCommand = 20;

/// Characters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string shown_id(const std::string& id, Cut cut) {
  return cut == Cut::yes ? id.substr(0, kShortId) : id;
}

}  // namespace

std::string shortened(std::string text, std::size_t width) {
  if (width_of(text) <= width) return text;
  std::size_t end = 0;
  for (std::size_t shown = 0; shown < width - 1; ++shown) {
    do {
      ++end;
    } while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80);
  }
  return text.substr(0, end) + "…";
}

std::string shown_container_command(std::string command, Cut cut) {
  if (cut == Cut::yes) command = shortened(std::move(command), kShownCommand);
  std::string quoted = "\"";
  for (const char c : command) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string lay_out(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), kLeastWidth);
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(row[i]) + kGap);
    }
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - width_of(row[i]), ' ');
    }
    text += '\n';
  }
  return text;
}

std::string status_in_words(const engine::ContainerSummary& container, std::int64_t now) {
  switch (container.state) {
    case State::creating:
    case State::created:
    case State::starting:
      return "Created";
    case State::running:
      return "Up " + duration_in_words(now - container.started);
    case State::exited:
      return fmt::format("Exited ({}) {} ago", container.exit_code,
                         duration_in_words(now - container.finished));
    case State::removing:
      return "Removal In Progress";
  }
  return "Dead";
}

std::string containers_table(const std::vector<engine::ContainerSummary>& containers,
                             std::int64_t now, Cut cut) {
  std::vector<std::vector<std::string>> rows{
      {"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"}};
  for (const engine::ContainerSummary& container : containers) {
    rows.push_back({shown_id(container.id, cut), container.image,
                    shown_container_command(container.command, cut),
                    ago_in_words(container.created, now), status_in_words(container, now), "",
                    container.name});
  }
  return lay_out(rows);
}

}  // namespace minidocker::cli
