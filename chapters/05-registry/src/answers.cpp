#include "minidocker/registry/answers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::registry {

namespace {

using nlohmann::json;
constexpr std::size_t kMaxErrors = 10;
constexpr std::size_t kMaxMessage = 300;

std::string text_member(const json& object, const char* key) {
  const json* member = images::find_member(object, key);
  if (member == nullptr || !member->is_string()) return "";
  return member->get<std::string>().substr(0, kMaxMessage);
}

// What the server says, on one line whatever it holds.
std::string printable(std::string_view text) {
  std::string quoted = minidocker::quoted(text);
  return quoted.substr(1, quoted.size() - 2);
}

std::string words_of(const HttpResponse& response) {
  std::string words;
  for (const AnswerError& error : errors_of(response.body)) {
    if (!words.empty()) words += "; ";
    words += printable(error.message.empty() ? error.code : error.message);
  }
  if (words.empty()) words = fmt::format("the registry answered HTTP {}", response.status);
  return words;
}

std::string counted(std::uint64_t count, std::string_view unit) {
  return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
}

std::string lasting(std::uint64_t seconds) {
  if (seconds % 3600 == 0) return counted(seconds / 3600, "hour");
  if (seconds % 60 == 0) return counted(seconds / 60, "minute");
  return counted(seconds, "second");
}

// `100;w=21600`: so many in so many seconds.
std::string allowance(std::string_view limit) {
  const std::size_t semicolon = limit.find(";w=");
  const auto count = parse_number<std::uint64_t>(limit.substr(0, semicolon));
  if (!count) return "";
  if (semicolon == std::string_view::npos) return counted(*count, "request");
  const auto window = parse_number<std::uint64_t>(limit.substr(semicolon + 3));
  if (!window || *window == 0) return counted(*count, "request");
  return counted(*count, "request") + " in " + lasting(*window);
}

ErrorKind kind_of(int status) {
  if (status == 404) return ErrorKind::not_found;
  if (status == 401 || status == 403) return ErrorKind::permission;
  if (status >= 400 && status < 500) return ErrorKind::invalid_argument;
  return ErrorKind::internal;
}

bool is_busy(int status) {
  return status == 429 || status == 500 || (status >= 502 && status <= 504);
}

}  // namespace

std::vector<AnswerError> errors_of(std::string_view body) {
  std::vector<AnswerError> found;
  try {
    const json document = images::parse_document(body, "answer");
    const json* errors = images::find_member(document, "errors");
    if (errors != nullptr && errors->is_array()) {
      for (const json& error : *errors) {
        if (found.size() == kMaxErrors) break;
        found.push_back({text_member(error, "code"), text_member(error, "message")});
      }
    } else if (const std::string details = text_member(document, "details"); !details.empty()) {
      found.push_back({"", details});  // token servers of Docker Hub
    }
  } catch (const Error&) {
    return {};
  }
  return found;
}

std::string explain_rate_limit(const HttpResponse& response) {
  std::string words = allowance(response.header("ratelimit-limit"));
  if (!words.empty()) words = "; it allows " + words;
  if (const std::string who = response.header("docker-ratelimit-source"); !who.empty()) {
    words += " to " + printable(who.substr(0, 100));
  }
  if (const auto wait = retry_after(response); wait.count() > 0) {
    words += fmt::format("; try again in {}", lasting(static_cast<std::uint64_t>(wait.count())));
  }
  return words;
}

void throw_answer(const HttpResponse& response, std::string_view tried) {
  const std::string words = words_of(response);
  if (response.status == 429) {
    throw TransportError(TransportError::Cause::busy,
                         fmt::format("{}: too many requests: {}{}; hint: whoever logs in is often "
                                     "allowed more: mini-docker login",
                                     tried, words, explain_rate_limit(response)),
                         retry_after(response));
  }
  const std::string message = fmt::format("{}: {}", tried, words);
  if (is_busy(response.status)) {
    throw TransportError(TransportError::Cause::busy, message, retry_after(response));
  }
  if (response.status == 401 || response.status == 403) {
    throw Error(ErrorKind::permission,
                message + "; hint: the repository does not exist or may need 'docker login'");
  }
  throw Error(kind_of(response.status), message);
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  if (value.starts_with("bytes ")) value.remove_prefix(6);
  if (value.starts_with("bytes=")) value.remove_prefix(6);
  const std::size_t dash = value.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::size_t slash = std::min(value.find('/'), value.size());
  if (slash < dash) return std::nullopt;
  const auto first = parse_number<std::uint64_t>(value.substr(0, dash));
  const auto last = parse_number<std::uint64_t>(value.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  ContentRange range{*first, *last, std::nullopt};
  if (slash == value.size() || value.substr(slash) == "/*") return range;
  range.size = parse_number<std::uint64_t>(value.substr(slash + 1));
  if (!range.size || *range.size <= *last) return std::nullopt;
  return range;
}

std::optional<std::string> next_page(std::string_view link) {
  const std::size_t open = link.find('<');
  const std::size_t close = link.find('>', open);
  if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
  const std::string_view rest = link.substr(close);
  if (rest.find("rel=\"next\"") == std::string_view::npos &&
      rest.find("rel=next") == std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(link.substr(open + 1, close - open - 1));
}

std::chrono::seconds retry_after(const HttpResponse& response) {
  constexpr unsigned kHour = 3600;
  const auto seconds = parse_number<unsigned>(response.header("retry-after"));
  return std::chrono::seconds(seconds ? std::min(*seconds, kHour) : 0);
}

}  // namespace minidocker::registry
