#include "strace_log.hpp"

#include <cstdlib>
#include <map>
#include <utility>

#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {
namespace {

constexpr std::string_view kUnfinished = " <unfinished ...>";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// Index after the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at;
}

/// Index of the `)` that ends the arguments which begin at `from`; npos if there is none.
std::size_t end_of_args(std::string_view text, std::size_t from) {
  int depth = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') i = skip_string(text, i);
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c == ')' && depth-- == 0) return i;
  }
  return std::string_view::npos;
}

/// `name(args) = result`, put together; nothing for a call without a result (exit).
bool parse_call(std::string_view line, TracedCall& call) {
  const std::size_t open = line.find('(');
  if (open == std::string_view::npos || line.starts_with("---") || line.starts_with("+++")) {
    return false;
  }
  const std::size_t close = end_of_args(line, open + 1);
  if (close == std::string_view::npos) return false;
  const std::size_t equals = line.find("= ", close);
  if (equals == std::string_view::npos || line.substr(equals + 2).starts_with("?")) return false;
  call.name = line.substr(0, open);
  call.args = split_args(line.substr(open + 1, close - open - 1));
  const std::string_view result = line.substr(equals + 2);
  call.result = std::strtol(std::string(result).c_str(), nullptr, 0);
  if (result.starts_with("-1 E")) {
    const std::string_view name = result.substr(3);
    call.error = name.substr(0, name.find(' '));
  }
  return true;
}

}  // namespace

std::vector<std::string> split_args(std::string_view text) {
  std::vector<std::string> args;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') i = skip_string(text, i);
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (c == ',' && depth == 0) {
      args.emplace_back(trimmed(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  if (!trimmed(text.substr(begin)).empty()) args.emplace_back(trimmed(text.substr(begin)));
  return args;
}

std::vector<TracedCall> parse_strace(const std::string& text) {
  std::vector<TracedCall> calls;
  std::map<pid_t, std::string> unfinished;
  for (const std::string& line : lines_of(text)) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    TracedCall call;
    call.pid = static_cast<pid_t>(std::strtol(line.c_str(), nullptr, 10));
    std::string rest(trimmed(std::string_view(line).substr(space)));
    if (rest.ends_with(kUnfinished)) {
      unfinished[call.pid] = rest.substr(0, rest.size() - kUnfinished.size());
      continue;
    }
    if (rest.starts_with("<... ")) {
      const std::size_t resumed = rest.find("resumed>");
      if (resumed == std::string::npos) continue;
      rest = unfinished[call.pid] + rest.substr(resumed + 8);
    }
    if (parse_call(rest, call)) calls.push_back(std::move(call));
  }
  return calls;
}

std::string_view names_of(std::string_view word) {
  const std::size_t begin = word.find("/* ");
  const std::size_t end = word.rfind(" */");
  if (begin == std::string_view::npos || end == std::string_view::npos) return word;
  return word.substr(begin + 3, end - begin - 3);
}

std::string_view number_of(std::string_view word) {
  return trimmed(word.substr(0, word.find("/*")));
}

}  // namespace minidocker::testing
