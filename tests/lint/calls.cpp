#include "calls.hpp"

#include <algorithm>
#include <utility>

#include "views.hpp"

namespace minidocker::lint {
namespace {

// Words that may stand before a call without being a type.
constexpr std::string_view kNotTypes[] = {"return", "co_return", "co_await", "else",
                                          "do",     "throw",     "case",     "and",
                                          "or",     "not",       "sizeof",   "decltype"};

std::size_t skip_blanks(std::string_view code, std::size_t at) {
  return std::min(code.find_first_not_of(" \t\n", at), code.size());
}

std::size_t skip_blanks_back(std::string_view code, std::size_t end) {
  while (end > 0 && (code[end - 1] == ' ' || code[end - 1] == '\t' || code[end - 1] == '\n')) --end;
  return end;
}

std::string_view word_before(std::string_view code, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && is_word(code[begin - 1])) --begin;
  return code.substr(begin, end - begin);
}

// What stands before a name decides: a type means a declaration.
bool is_after_type(std::string_view code, std::size_t name) {
  const std::size_t end = skip_blanks_back(code, name);
  if (end == 0) return false;
  const std::string_view word = word_before(code, end);
  if (!word.empty()) return std::ranges::find(kNotTypes, word) == std::end(kNotTypes);
  // `Result<int> open(`, `char* open(`, but not `a > open(` or `a && open(`: laid out, a type's
  // bracket touches what comes before it.
  const char last = code[end - 1];
  const bool touches =
      end >= 2 && (is_word(code[end - 2]) || code[end - 2] == '>' || code[end - 2] == '<');
  return end < name && touches && (last == '>' || last == '*' || last == '&');
}

bool is_call_syntax(std::string_view code, std::size_t after) {
  const std::size_t at = skip_blanks(code, after);
  return at < code.size() && code[at] == '(';
}

/// Where the name at `at` begins with what qualifies it: `Upload::open`.
std::size_t begin_of_qualified(std::string_view code, std::size_t at) {
  if (at < 2 || code.substr(at - 2, 2) != "::") return at;
  return at - 2 - word_before(code, at - 2).size();
}

}  // namespace

std::vector<Call> find_calls(std::string_view code, std::string_view name) {
  std::vector<Call> calls;
  for (const std::size_t at : find_word(code, name)) {
    if (!is_call_syntax(code, at + name.size())) continue;
    if (at >= 1 && code[at - 1] == '.') continue;
    if (at >= 2 && code.substr(at - 2, 2) == "->") continue;
    const std::size_t begin = begin_of_qualified(code, at);
    if (is_after_type(code, begin)) continue;
    std::string qualifier(code.substr(begin, at - begin));
    if (qualifier.size() > 2) qualifier.resize(qualifier.size() - 2);
    calls.push_back({at, std::move(qualifier)});
  }
  return calls;
}

bool declares(std::string_view code, std::string_view name) {
  for (const std::size_t at : find_word(code, name)) {
    if (!is_call_syntax(code, at + name.size())) continue;
    if (is_after_type(code, begin_of_qualified(code, at))) return true;
  }
  return false;
}

}  // namespace minidocker::lint
