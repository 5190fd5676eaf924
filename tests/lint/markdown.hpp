#pragma once
/// \file
/// The parts of Markdown the rules look at: text without code, fenced blocks, headings.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::lint {

/// One fenced block (```), with the HTML comment that stands right before it, if one does.
struct FencedBlock {
  std::string comment;  ///< e.g. "code: chapters/01-namespaces/src/a.cpp run"; empty if none
  std::size_t begin;    ///< offset of its first line of content
  std::size_t end;      ///< offset of the closing fence
};

/// All fenced blocks, in order.
[[nodiscard]] std::vector<FencedBlock> fenced_blocks(std::string_view text);

/// The text with fenced blocks and code spans blanked; offsets stay.
[[nodiscard]] std::string prose_of(std::string_view text);

/// The anchors its headings make, by GitHub's rule: lower case, blanks to hyphens, no punctuation.
[[nodiscard]] std::vector<std::string> anchors_of(std::string_view text);

}  // namespace minidocker::lint
