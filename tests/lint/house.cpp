#include "house.hpp"

#include <algorithm>
#include <filesystem>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "includes.hpp"

namespace minidocker::lint {
namespace {

constexpr std::string_view kMarker = "<!-- lint: include table -->";

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

std::string headers_directory(const Room& room) {
  return room.directory + "/include/minidocker/" + room.headers + "/";
}

std::string stem_of(const SourceFile& file) {
  return std::filesystem::path(file.path).stem().string();
}

// Does `file` include a header of `headers`, itself or through private headers beside it?
bool reaches(const SourceTree& tree, const SourceFile& file, const std::string& headers,
             std::set<const SourceFile*>& seen) {
  if (!seen.insert(&file).second) return false;
  return std::ranges::any_of(includes_of(tree, file), [&](const Include& include) {
    const std::string owner = header_room(include.name);
    if (!owner.empty()) return owner == headers;
    return include.target != nullptr && reaches(tree, *include.target, headers, seen);
  });
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
  std::vector<const Room*> sharing;
  for (const Room& room : rooms_) {
    if (!file.starts_with(room.directory + "/")) continue;
    if (file.starts_with(headers_directory(room))) return &room;
    sharing.push_back(&room);
  }
  if (sharing.empty()) return nullptr;
  if (sharing.size() == 1 || file.path.find("/src/") == std::string::npos) return sharing.back();
  for (const Room* room : sharing) {
    if (tree.find(headers_directory(*room) + stem_of(file) + ".hpp") != nullptr) return room;
  }
  for (const Room* room : std::views::reverse(sharing)) {
    std::set<const SourceFile*> seen;
    if (reaches(tree, file, room->headers, seen)) return room;
  }
  return sharing.front();
}

}  // namespace minidocker::lint
