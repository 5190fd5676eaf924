#pragma once
/// \file
/// Numbers in text of others.

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace minidocker {

/// The number that all of `text` is, in decimal; nothing if it is anything else, or too large.
template <std::integral Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) noexcept {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

}  // namespace minidocker
