#include "sizes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "functions.hpp"

namespace minidocker::lint {
namespace {

constexpr std::string_view kFlat = "lint: flat";

// From the line above the head to the line of the brace.
bool says_flat(const SourceFile& file, const Definition& definition) {
  std::size_t begin = file.text.rfind('\n', definition.begin);
  if (begin != std::string::npos && begin > 0) begin = file.text.rfind('\n', begin - 1);
  if (begin == std::string::npos) begin = 0;
  const std::size_t end = std::min(file.text.find('\n', definition.open), file.text.size());
  return file.views.comments.substr(begin, end - begin).find(kFlat) != std::string::npos;
}

void check_file(const SourceFile& file, Findings& findings) {
  const std::size_t lines = lines_of(file.text).size();
  if (lines > kMaxFileLines) {
    findings.push_back({file.path, lines,
                        fmt::format("{} lines, more than {}: find the two mechanisms in it", lines,
                                    kMaxFileLines)});
  }
  for (const Definition& definition : find_definitions(file.views.code)) {
    if (definition.kind != Kind::function) continue;
    const std::size_t first = line_of(file.text, definition.open);
    const std::size_t length = line_of(file.text, definition.close) - first + 1;
    if (length > kMaxFunctionLines && !says_flat(file, definition)) {
      findings.push_back({file.path, first,
                          fmt::format("a function of {} lines, more than {}: {}", length,
                                      kMaxFunctionLines, definition.head.substr(0, 70))});
    }
  }
}

}  // namespace

Findings check_sizes(const SourceTree& tree) {
  Findings findings;
  for (const SourceFile& file : tree.files()) {
    if (file.is_cpp()) check_file(file, findings);
  }
  return findings;
}

}  // namespace minidocker::lint
