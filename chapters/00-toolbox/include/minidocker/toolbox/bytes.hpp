#pragma once
/// \file
/// Amounts of memory as a type.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace minidocker {

/// A number of bytes.
struct Bytes {
  std::uint64_t value = 0;                         ///< how many
  auto operator<=>(const Bytes&) const = default;  ///< by number
};

/// Parses docker's form: digits, optionally with a fraction, then b, k, m, g, t or p (any case,
/// powers of 1024, optionally followed by "b" or "ib"). Throws Error(invalid_argument) that names
/// `what`, e.g. "--memory".
[[nodiscard]] Bytes parse_bytes(std::string_view text, std::string_view what);

/// `64MiB`, `1.5GiB`, `512B`: for people.
[[nodiscard]] std::string in_words(Bytes bytes);

}  // namespace minidocker
