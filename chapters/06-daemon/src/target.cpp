#include "minidocker/http/target.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ascii.hpp"
#include "minidocker/http/errors.hpp"

namespace minidocker::http {

namespace {

constexpr std::size_t kMaxParts = 256;  // of a path, or of a query

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw StatusError(400, fmt::format("{}: {}", quoted(text.substr(0, 200)), why));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (parts.size() > kMaxParts) throw StatusError(400, "the target has too many parts");
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

int digit(char c) {
  if (is_digit(c)) return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

// `http://host` in front of it says what Host says.
std::string_view without_origin(std::string_view target) {
  if (target.starts_with('/')) return target;
  const std::size_t host = target.find("://");
  const std::size_t path = target.find('/', host == std::string_view::npos ? host : host + 3);
  if (path == std::string_view::npos) refuse(target, "the target must be a path");
  return target.substr(path);
}

}  // namespace

std::string decode(std::string_view text, Escapes escapes) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && escapes == Escapes::query) c = ' ';
    if (c == '%') {
      const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) refuse(text, "after % stand two hex digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') refuse(text, "it holds a NUL byte");
    decoded.push_back(c);
  }
  return decoded;
}

std::string encode(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (const std::string_view part : split(path, '/')) {
    parts.push_back(decode(part, Escapes::path));
  }
  return parts;
}

void parse_target(Request& request) {
  const std::string_view whole = without_origin(request.target);
  const std::string_view target = whole.substr(0, whole.find('#'));
  const std::size_t question = target.find('?');
  request.path = split_path(target.substr(0, question));
  request.query.clear();
  if (question == std::string_view::npos) return;
  for (const std::string_view entry : split(target.substr(question + 1), '&')) {
    if (entry.empty()) continue;
    const std::size_t equals = std::min(entry.find('='), entry.size());
    request.query.emplace_back(
        decode(entry.substr(0, equals), Escapes::query),
        decode(entry.substr(std::min(equals + 1, entry.size())), Escapes::query));
  }
}

}  // namespace minidocker::http
