#include "minidocker/http/byte_range.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <variant>

#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::http {

namespace {

using Number = std::uint64_t;

// An old copy of the client's: it wants the rest only if it is of the same content.
bool is_of_another_content(const Request& request, const Response& response) {
  const std::optional<std::string> wanted = find_header(request.headers, "if-range");
  return wanted && wanted != find_header(response.headers, "etag");
}

}  // namespace

std::optional<ByteRange> parse_range(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return std::nullopt;
  header.remove_prefix(kUnit.size());
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view right = header.substr(dash + 1);
  const std::optional<Number> last = parse_number<Number>(right);
  if (!right.empty() && !last) return std::nullopt;
  if (dash == 0) {
    if (!last) return std::nullopt;
    const Number count = std::min(*last, size);
    return ByteRange{size - count, count};
  }
  const std::optional<Number> first = parse_number<Number>(header.substr(0, dash));
  if (!first || (last && *last < *first)) return std::nullopt;
  if (*first >= size) return ByteRange{*first, 0};
  return ByteRange{*first, last ? std::min(*last - *first, size - 1 - *first) + 1 : size - *first};
}

void apply_range(const Request& request, Response& response) {
  auto* body = std::get_if<FileBody>(&response.body);
  if (body == nullptr || response.status != 200) return;
  response.headers.emplace_back("Accept-Ranges", "bytes");
  const std::optional<std::string> header = find_header(request.headers, "range");
  if (request.method != "GET" || !header || is_of_another_content(request, response)) return;
  const std::optional<ByteRange> range = parse_range(*header, body->size);
  if (!range) return;
  if (range->size == 0) {
    response.status = 416;
    response.headers.emplace_back("Content-Range", fmt::format("bytes */{}", body->size));
    response.body = std::string();
    return;
  }
  response.status = 206;
  response.headers.emplace_back(
      "Content-Range",
      fmt::format("bytes {}-{}/{}", range->first, range->first + range->size - 1, body->size));
  body->offset += range->first;
  body->size = range->size;
}

}  // namespace minidocker::http
