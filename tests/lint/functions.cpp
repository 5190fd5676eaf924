#include "functions.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "views.hpp"

namespace minidocker::lint {
namespace {

std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : trimmed(text)) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!blank || out.back() != ' ') out += blank ? ' ' : c;
  }
  return out;
}

// Leaves out `template <...>` and access labels, which may stand before a head.
std::string_view without_prefix(std::string_view head) {
  for (const std::string_view label : {"public:", "private:", "protected:"}) {
    if (head.starts_with(label)) return without_prefix(trimmed(head.substr(label.size())));
  }
  if (!head.starts_with("template")) return head;
  int depth = 0;
  for (std::size_t i = 8; i < head.size(); ++i) {
    if (head[i] == '<') ++depth;
    if (head[i] == '>' && --depth == 0) return without_prefix(trimmed(head.substr(i + 1)));
  }
  return head;
}

bool has_word(std::string_view text, std::string_view word) {
  return !find_word(text, word).empty();
}

// A type's head ends with its name or its bases; a function's has its parameters behind it.
bool is_type_head(std::string_view head) {
  const std::size_t parameters = head.find('(');
  const std::string_view start = head.substr(0, parameters);
  const bool says_so = has_word(start, "class") || has_word(start, "struct") ||
                       has_word(start, "union") || has_word(start, "enum");
  return says_so && !head.ends_with(')') && !head.ends_with("const") &&
         !head.ends_with("noexcept") && head.find(") ->") == std::string_view::npos;
}

class Finder {
 public:
  explicit Finder(std::string_view code) : code_(code) {}

  std::vector<Definition> run() {
    scan(0, code_.size());
    return std::move(found_);
  }

 private:
  // Reads declarations between two offsets, none of which is inside a function.
  void scan(std::size_t at, std::size_t end) {
    std::size_t head = at;
    while (at < end) {
      const char c = code_[at];
      if (c == '#' && starts_line(at)) {
        at = skip_directive(at);
        head = at;
      } else if (c == ';') {
        head = ++at;
      } else if (c == '(' || c == '[') {
        const std::size_t close = closing(code_, at);
        at = close == std::string_view::npos ? end : close + 1;
      } else if (c == '{') {
        at = open_brace(head, at, end);
        head = at;
      } else {
        ++at;
      }
    }
  }

  std::size_t open_brace(std::size_t begin, std::size_t open, std::size_t end) {
    const std::size_t close = std::min(closing(code_, open), end);
    const std::string squeezed_head = squeezed(code_.substr(begin, open - begin));
    const std::string head(without_prefix(squeezed_head));
    if (head.starts_with("namespace") || head.starts_with("inline namespace") ||
        head.starts_with("extern \"")) {
      scan(open + 1, close);
      return close + 1;
    }
    while (begin < open && std::isspace(static_cast<unsigned char>(code_[begin])) != 0) ++begin;
    const Kind kind = kind_of(head);
    found_.push_back({kind, head, begin, open, close});
    if (kind == Kind::type) scan(open + 1, close);
    return close + 1;
  }

  static Kind kind_of(std::string_view head) {
    if (is_type_head(head)) return has_word(head, "enum") ? Kind::enumeration : Kind::type;
    if (head.ends_with('=')) return Kind::table;
    // `constexpr std::array<int, 3> kNumbers{...}`: a name and no parameters.
    if (head.find('(') == std::string_view::npos && head.find(' ') != std::string_view::npos) {
      return Kind::table;
    }
    return Kind::function;
  }

  [[nodiscard]] bool starts_line(std::size_t at) const {
    const std::size_t line = code_.rfind('\n', at) + 1;
    return trimmed(code_.substr(line, at - line)).empty();
  }

  [[nodiscard]] std::size_t skip_directive(std::size_t at) const {
    std::size_t end = code_.find('\n', at);
    while (end != std::string_view::npos && end > 0 && code_[end - 1] == '\\') {
      end = code_.find('\n', end + 1);
    }
    return std::min(end, code_.size());
  }

  std::string_view code_;
  std::vector<Definition> found_;
};

}  // namespace

std::vector<Definition> find_definitions(std::string_view code) { return Finder(code).run(); }

bool defines(const Definition& definition, std::string_view name) {
  for (const std::size_t at : find_word(definition.head, name)) {
    // `Class::name` is asked for by its full name, so a bare `name` means a free function.
    if (at >= 2 && definition.head.compare(at - 2, 2, "::") == 0) continue;
    const std::string_view rest =
        trimmed(std::string_view(definition.head).substr(at + name.size()));
    if (definition.kind != Kind::function) {
      if (rest.empty() || rest[0] == ':' || rest[0] == '=' || rest[0] == '[' || rest == "final" ||
          rest.starts_with("final ")) {
        return true;
      }
    } else if (rest.starts_with('(')) {
      return true;
    }
  }
  return false;
}

}  // namespace minidocker::lint
