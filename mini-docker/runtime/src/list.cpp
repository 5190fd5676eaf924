#include "list.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace minidocker::runtime {
namespace {

using Row = std::array<std::string, 6>;

Row row_of(const ListedContainer& container) {
  const State& state = container.state;
  const pid_t pid = container.status == Status::stopped ? 0 : state.pid;
  return {state.id,     fmt::format("{}", pid), std::string(name_of(container.status)),
          state.bundle, state.created,          state.owner};
}

}  // namespace

std::string list_table(const std::vector<ListedContainer>& containers) {
  std::vector<Row> rows{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const ListedContainer& container : containers) rows.push_back(row_of(container));
  std::array<std::size_t, 6> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  constexpr std::size_t kNarrowest = 11;  // runc's tabwriter: 12 with padding 3, seen from outside
  constexpr std::size_t kGap = 3;
  std::string table;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      table += fmt::format("{:<{}}", row[i], std::max(widths[i] + kGap, kNarrowest + 1));
    }
    table += row.back() + "\n";
  }
  return table;
}

std::string list_quiet(const std::vector<ListedContainer>& containers) {
  std::string text;
  for (const ListedContainer& container : containers) text += container.state.id + "\n";
  return text;
}

std::string list_json(const std::vector<ListedContainer>& containers) {
  if (containers.empty()) return "null";
  std::string text;
  for (const ListedContainer& container : containers) {
    text += text.empty() ? "[" : ",";
    text += to_json(container.state, container.status);
  }
  return text + "]";
}

}  // namespace minidocker::runtime
