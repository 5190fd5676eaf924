#include "response_head.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <string_view>
#include <variant>

#include "ascii.hpp"
#include "minidocker/http/errors.hpp"

namespace minidocker::http {

namespace {

void add(std::string& head, std::string_view name, std::string_view value) {
  if (std::ranges::any_of(name, is_control) || std::ranges::any_of(value, is_control)) {
    throw Error(ErrorKind::internal, fmt::format("answer: header {} holds a control character: {}",
                                                 quoted(name), quoted(value)));
  }
  fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
}

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  struct tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

std::uint64_t length_of(const Response& response) {
  if (const auto* const file = std::get_if<FileBody>(&response.body)) return file->size;
  return std::get<std::string>(response.body).size();
}

}  // namespace

std::string head_of(const Response& response, ThenWhat then) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
  for (const auto& [name, value] : response.headers) add(head, name, value);
  add(head, "Date", now());
  if (response.status != 204) add(head, "Content-Length", std::to_string(length_of(response)));
  add(head, "Connection", then == ThenWhat::another_request ? "keep-alive" : "close");
  return head + "\r\n";
}

}  // namespace minidocker::http
