#pragma once
/// \file
/// C++ source seen without its comments and literals, or as nothing but its comments.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::lint {

/// Two views of one source text. Both have the text's length and line ends, with blanks for what
/// is left out, so an offset or a line number means the same in the text and in both views.
struct Views {
  std::string code;      ///< no comments; literals keep their quotes and lose their content
  std::string comments;  ///< comments only
};

/// Splits C++ source into its views. Knows line and block comments, strings, characters, raw
/// strings and digit separators.
[[nodiscard]] Views split_views(std::string_view text);

/// 1-based number of the line that holds `offset`.
[[nodiscard]] std::size_t line_of(std::string_view text, std::size_t offset);

/// The lines of `text`, without their line ends.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

/// The words of `text`, which blanks separate.
[[nodiscard]] std::vector<std::string> words_of(std::string_view text);

/// `text` without blanks at either end.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// May `c` stand in an identifier?
[[nodiscard]] bool is_word(char c);

/// Offset of the bracket that closes the one at `open` in a code view, or npos.
[[nodiscard]] std::size_t closing(std::string_view code, std::size_t open);

/// Offsets at which `word` stands as a whole identifier.
[[nodiscard]] std::vector<std::size_t> find_word(std::string_view code, std::string_view word);

}  // namespace minidocker::lint
