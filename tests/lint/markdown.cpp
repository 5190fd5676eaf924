#include "markdown.hpp"

#include <algorithm>
#include <cctype>

#include "views.hpp"

namespace minidocker::lint {
namespace {

constexpr std::string_view kFence = "```";

std::string comment_in(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with("<!--") || !line.ends_with("-->")) return {};
  return std::string(trimmed(line.substr(4, line.size() - 7)));
}

void blank(std::string& text, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < std::min(end, text.size()); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

void blank_code_spans(std::string& text) {
  for (std::size_t at = text.find('`'); at != std::string::npos; at = text.find('`', at)) {
    const std::size_t end = text.find('`', at + 1);
    if (end == std::string::npos) return;
    blank(text, at, end + 1);
  }
}

std::string slug_of(std::string_view heading) {
  std::string slug;
  for (const char c : trimmed(heading)) {
    if (c == ' ') slug += '-';
    if (is_word(c) || c == '-')
      slug += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return slug;
}

}  // namespace

std::vector<FencedBlock> fenced_blocks(std::string_view text) {
  std::vector<FencedBlock> blocks;
  std::string comment;
  bool inside = false;
  std::size_t at = 0;
  for (const std::string_view line : lines_of(text)) {
    const bool fence = trimmed(line).starts_with(kFence);
    if (fence && !inside) {
      blocks.push_back({comment, at + line.size() + 1, text.size()});
    } else if (fence) {
      blocks.back().end = at;
    }
    inside = inside != fence;
    if (!trimmed(line).empty()) comment = comment_in(line);
    at += line.size() + 1;
  }
  return blocks;
}

std::string prose_of(std::string_view text) {
  std::string prose(text);
  for (const FencedBlock& block : fenced_blocks(text)) {
    const std::size_t begin = text.rfind(kFence, block.begin);
    blank(prose, begin, std::min(text.find('\n', block.end), text.size()));
  }
  blank_code_spans(prose);
  return prose;
}

std::vector<std::string> anchors_of(std::string_view text) {
  std::vector<std::string> anchors;
  bool inside = false;
  for (const std::string_view line : lines_of(text)) {
    if (trimmed(line).starts_with(kFence)) inside = !inside;
    if (inside || !line.starts_with('#')) continue;
    const std::size_t start = line.find_first_not_of('#');
    if (start != std::string_view::npos) anchors.push_back(slug_of(line.substr(start)));
  }
  return anchors;
}

}  // namespace minidocker::lint
