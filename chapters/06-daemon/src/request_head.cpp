#include "request_head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "ascii.hpp"
#include "minidocker/http/errors.hpp"
#include "minidocker/http/target.hpp"
#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::http {

namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";  // in names, beside letters and digits

[[noreturn]] void refuse(std::string_view why, std::string_view what) {
  throw StatusError(400, fmt::format("no HTTP request: {}: {}", why, quoted(what.substr(0, 200))));
}

// What methods and names of headers are made of (RFC 9110 section 5.6.2).
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || kSigns.find(c) != std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

// Up to the line's end, which is taken away with it.
std::string_view take_line(std::string_view& head) {
  const std::size_t end = head.find("\r\n");
  if (end == std::string_view::npos) refuse("a line has no end", head);
  const std::string_view line = head.substr(0, end);
  head.remove_prefix(end + 2);
  // A lone CR or LF is a line's end for some, and a part of the line for others.
  if (std::ranges::any_of(line, is_control)) refuse("a control character", line);
  return line;
}

// `GET /path HTTP/1.1`. Is it 1.1, and not 1.0?
bool parse_request_line(std::string_view line, Request& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == last) refuse("the first line must be METHOD TARGET VERSION", line);
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  if (!is_token(request.method)) refuse("no method", request.method);
  if (request.target.find(' ') != std::string::npos) refuse("a target has no blanks", line);
  const std::string_view version = line.substr(last + 1);
  if (!version.starts_with("HTTP/")) refuse("no version", version);
  if (version == "HTTP/1.1" || version == "HTTP/1.0") return version.ends_with('1');
  throw StatusError(505, fmt::format("{}: HTTP/1.1 is spoken here", quoted(version)));
}

std::pair<std::string, std::string> parse_field(std::string_view line) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  // A blank before the colon, or at the start of a line that goes on with the one before: each was
  // read in two ways once.
  if (colon == line.size() || !is_token(name)) refuse("no header", line);
  return {lower(name), std::string(trimmed(line.substr(colon + 1)))};
}

std::size_t count(const Headers& headers, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count(headers, name, &Headers::value_type::first));
}

// Is it among the words of a header like `Connection: close, TE`?
bool has_word(const Headers& headers, std::string_view name, std::string_view word) {
  for (const auto& [own_name, value] : headers) {
    if (own_name != name) continue;
    for (std::string_view rest = value; !rest.empty();) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (same_name(trimmed(rest.substr(0, comma)), word)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

void check_host(const Headers& headers, bool is_modern) {
  const std::size_t hosts = count(headers, "host");
  if (hosts == 1 || (hosts == 0 && !is_modern)) return;
  throw StatusError(400, "a request must say once which Host it is for");
}

// Where the body ends: said in one way, and once.
void parse_framing(RequestHead& head, bool is_modern) {
  const Headers& headers = head.request.headers;
  const std::optional<std::string> encoding = find_header(headers, "transfer-encoding");
  const std::optional<std::string> length = find_header(headers, "content-length");
  if (count(headers, "content-length") + count(headers, "transfer-encoding") > 1) {
    throw StatusError(400, "the length of the body must be said once, or it comes in chunks");
  }
  if (encoding && (!is_modern || !same_name(*encoding, "chunked"))) {
    throw StatusError(
        501, fmt::format("Transfer-Encoding {}: only chunked is understood", quoted(*encoding)));
  }
  head.is_chunked = encoding.has_value();
  if (!length) return;
  head.request.content_length = parse_number<std::uint64_t>(*length);
  if (!head.request.content_length) refuse("Content-Length is no number", *length);
}

void parse_expectation(RequestHead& head, bool is_modern) {
  const std::optional<std::string> expected = find_header(head.request.headers, "expect");
  if (!expected) return;
  if (!same_name(*expected, "100-continue")) {
    throw StatusError(417, fmt::format("Expect: {} is not understood", quoted(*expected)));
  }
  head.expects_continue =
      is_modern && (head.is_chunked || head.request.content_length.value_or(0) > 0);
}

}  // namespace

RequestHead parse_head(std::string_view head) {
  RequestHead parsed;
  Headers& headers = parsed.request.headers;
  const bool is_modern = parse_request_line(take_line(head), parsed.request);
  for (std::string_view line = take_line(head); !line.empty(); line = take_line(head)) {
    headers.push_back(parse_field(line));
  }
  if (!head.empty()) refuse("something follows its head", head);
  check_host(headers, is_modern);
  parse_framing(parsed, is_modern);
  parse_expectation(parsed, is_modern);
  parsed.keeps_alive = is_modern ? !has_word(headers, "connection", "close")
                                 : has_word(headers, "connection", "keep-alive");
  parse_target(parsed.request);
  return parsed;
}

}  // namespace minidocker::http
