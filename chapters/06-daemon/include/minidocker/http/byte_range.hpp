#pragma once
/// \file
/// A part of a file instead of all of it (RFC 9110 section 14).

#include <cstdint>
#include <optional>
#include <string_view>

#include "minidocker/http/message.hpp"

namespace minidocker::http {

/// Some of a file's bytes.
struct ByteRange {
  std::uint64_t first = 0;                            ///< first byte
  std::uint64_t size = 0;                             ///< how many; 0: none that the file has
  bool operator==(const ByteRange&) const = default;  ///< both
};

/// What `bytes=2-5`, `bytes=2-` or `bytes=-5` (the last five) mean in a file of `size` bytes.
/// Nothing for several ranges, other units, and nonsense: then the answer is the whole file.
[[nodiscard]] std::optional<ByteRange> parse_range(std::string_view header, std::uint64_t size);

/// Makes 206 or 416 of a 200 whose body is a file, if a GET asks for a range of it. If-Range is
/// compared with the response's ETag.
void apply_range(const Request& request, Response& response);

}  // namespace minidocker::http
