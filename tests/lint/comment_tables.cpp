#include "comment_tables.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::lint {
namespace {

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

/// What stands in the lines of a file that are nothing but comment; of others, nothing.
std::vector<std::string_view> comment_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = without_blanks(text.substr(0, end));
    const bool is_comment = line.starts_with("//");
    line.remove_prefix(is_comment ? std::min(line.find_first_not_of('/'), line.size())
                                  : line.size());
    lines.push_back(without_blanks(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::ptrdiff_t cells_of(std::string_view row) { return std::ranges::count(row, '|'); }

/// `|---|:--|`, the line below the head.
bool is_rule(std::string_view line) {
  return cells_of(line) > 2 && line.starts_with('|') &&
         line.find_first_not_of("|-: ") == std::string_view::npos;
}

}  // namespace

Findings check_comment_tables(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (!file.is_cpp()) continue;
    const std::vector<std::string_view> lines = comment_lines(file.text);
    for (std::size_t rule = 1; rule < lines.size(); ++rule) {
      if (!is_rule(lines[rule])) continue;
      for (std::size_t row = rule - 1;
           row < lines.size() && lines[row].find('|') != lines[row].npos; ++row) {
        if (lines[row].starts_with('|') && cells_of(lines[row]) == cells_of(lines[rule])) continue;
        findings.push_back(
            {file.path, row + 1, "a row of a table has not as many cells as its head"});
      }
    }
  }
  return findings;
}

}  // namespace minidocker::lint
