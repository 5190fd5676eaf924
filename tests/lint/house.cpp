#include "house.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "includes.hpp"

namespace minidocker::lint {
namespace {

constexpr std::string_view kMarker = "<!-- lint: include table -->";

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> cells_of(std::string_view row) {
  std::vector<std::string> cells;
  row = trimmed(row);
  row.remove_prefix(1);
  while (!row.empty()) {
    const std::size_t end = row.find('|');
    std::string cell(trimmed(row.substr(0, end)));
    std::erase(cell, '`');
    cells.push_back(std::move(cell));
    if (end == std::string_view::npos) break;
    row.remove_prefix(end + 1);
  }
  return cells;
}

Room parse_row(std::string_view row) {
  const std::vector<std::string> cells = cells_of(row);
  if (cells.size() != 5) {
    throw std::runtime_error("include table: not five columns: " + std::string(row));
  }
  return {cells[0], cells[1], cells[2], words_of(cells[3]), words_of(cells[4])};
}

}  // namespace

House House::parse(const std::string& markdown) {
  const std::size_t marker = markdown.find(kMarker);
  if (marker == std::string::npos) {
    throw std::runtime_error("no include table: the page has no line " + std::string(kMarker));
  }
  House house;
  int rows = 0;
  for (const std::string_view line :
       lines_of(std::string_view(markdown).substr(marker + kMarker.size()))) {
    if (!trimmed(line).starts_with('|')) {
      if (rows > 0) break;
      continue;
    }
    // The first two rows are the column names and the rule below them.
    if (++rows > 2) house.rooms_.push_back(parse_row(line));
  }
  if (house.rooms_.empty()) throw std::runtime_error("the include table has no rows");
  return house;
}

const Room* House::owner_of_headers(const std::string& headers) const {
  const auto at = std::ranges::find(rooms_, headers, &Room::headers);
  return at == rooms_.end() ? nullptr : &*at;
}

const Room* House::room_of(const SourceTree& tree, const SourceFile& file) const {
  const Room* last = nullptr;
  std::vector<const Room*> candidates;
  for (const Room& room : rooms_) {
    if (!file.starts_with(room.directory + "/")) continue;
    candidates.push_back(last = &room);
    if (file.starts_with(room.directory + "/include/minidocker/" + room.headers + "/")) {
      return &room;
    }
  }
  if (candidates.size() < 2 || file.path.find("/src/") == std::string::npos) return last;
  for (const Include& include : includes_of(tree, file)) {
    const Room* owner = owner_of_headers(header_room(include.name));
    if (std::ranges::count(candidates, owner) > 0) return owner;
  }
  return last;
}

}  // namespace minidocker::lint
