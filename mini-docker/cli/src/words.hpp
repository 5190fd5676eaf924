#pragma once
/// \file
/// Cutting texts.

#include <string>
#include <string_view>
#include <vector>

namespace minidocker::cli {

/// The parts between separators; an empty text has one empty part.
[[nodiscard]] inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

}  // namespace minidocker::cli
