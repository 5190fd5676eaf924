#include "views.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

namespace minidocker::lint {
namespace {

// Walks over the text once and copies each character into one view, a blank into the other.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {
    views_.code.assign(text.size(), ' ');
    views_.comments.assign(text.size(), ' ');
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') views_.code[i] = views_.comments[i] = '\n';
    }
  }

  Views run() {
    while (at_ < text_.size()) step();
    return std::move(views_);
  }

 private:
  void step() {
    if (text_.substr(at_, 2) == "//") {
      comment_until(text_.find('\n', at_));
    } else if (text_.substr(at_, 2) == "/*") {
      const std::size_t end = text_.find("*/", at_ + 2);
      comment_until(end == std::string_view::npos ? end : end + 2);
    } else if (text_[at_] == '"') {
      at_ > 0 && text_[at_ - 1] == 'R' ? raw_string() : literal('"');
    } else if (text_[at_] == '\'' && !is_digit_separator()) {
      literal('\'');
    } else {
      keep();
    }
  }

  void keep() {
    views_.code[at_] = text_[at_];
    ++at_;
  }

  void comment_until(std::size_t end) {
    for (end = std::min(end, text_.size()); at_ < end; ++at_) views_.comments[at_] = text_[at_];
  }

  void literal(char quote) {
    keep();
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    if (at_ < text_.size() && text_[at_] == quote) keep();
  }

  void raw_string() {
    keep();
    const std::size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) return;
    const std::string end = ")" + std::string(text_.substr(at_, open - at_)) + "\"";
    const std::size_t close = text_.find(end, open);
    at_ = close == std::string_view::npos ? text_.size() : close + end.size() - 1;
    if (at_ < text_.size()) keep();
  }

  // 1'000 is a number, not the start of a character.
  [[nodiscard]] bool is_digit_separator() const {
    return at_ > 0 && at_ + 1 < text_.size() && std::isxdigit(byte(at_ - 1)) != 0 &&
           std::isxdigit(byte(at_ + 1)) != 0 && number_starts_before(at_);
  }

  [[nodiscard]] bool number_starts_before(std::size_t end) const {
    std::size_t start = end;
    while (start > 0 && (is_word(text_[start - 1]) || text_[start - 1] == '\'')) --start;
    return std::isdigit(byte(start)) != 0;
  }

  [[nodiscard]] unsigned char byte(std::size_t i) const {
    return static_cast<unsigned char>(text_[i]);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Views views_;
};

}  // namespace

Views split_views(std::string_view text) { return Splitter(text).run(); }

std::size_t line_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool is_word(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; }

std::size_t closing(std::string_view code, std::size_t open) {
  const char opener = code[open];
  const char closer = opener == '(' ? ')' : opener == '[' ? ']' : '}';
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (code[i] == opener) ++depth;
    if (code[i] == closer && --depth == 0) return i;
  }
  return std::string_view::npos;
}

std::vector<std::size_t> find_word(std::string_view code, std::string_view word) {
  std::vector<std::size_t> found;
  for (std::size_t at = code.find(word); at != std::string_view::npos;
       at = code.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool starts = at == 0 || !is_word(code[at - 1]);
    const bool ends = end >= code.size() || !is_word(code[end]);
    if (starts && ends) found.push_back(at);
  }
  return found;
}

}  // namespace minidocker::lint
