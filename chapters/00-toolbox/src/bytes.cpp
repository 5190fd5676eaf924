#include "minidocker/toolbox/bytes.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <system_error>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker {
namespace {

constexpr std::string_view kUnits = "bkmgtp";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// What follows the number, as a power of 1024: "" and "b" are 0, "k", "kb" and "kib" are 1, ...
/// -1 for anything else.
int parse_unit(std::string_view unit) {
  if (unit.empty()) return 0;
  std::size_t power = kUnits.find(lower(unit[0]));
  if (power == std::string_view::npos) return -1;
  std::string rest;
  for (char c : unit.substr(1)) rest += lower(c);
  bool fits = rest.empty() || (power > 0 && (rest == "b" || rest == "ib"));
  return fits ? static_cast<int>(power) : -1;
}

[[noreturn]] void refuse(std::string_view text, std::string_view what, std::string_view why) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("invalid value {} for {}: {}; write for example 64m, 1.5g or 1048576",
                          quoted(text), what, why));
}

}  // namespace

Bytes parse_bytes(std::string_view text, std::string_view what) {
  const char* end = text.data() + text.size();
  std::uint64_t whole = 0;
  auto [after, error] = std::from_chars(text.data(), end, whole);
  if (error == std::errc::result_out_of_range) refuse(text, what, "too large");
  if (error != std::errc{}) refuse(text, what, "it does not begin with a digit");

  double fraction = 0;
  if (after != end && *after == '.') {
    const char* digits = after + 1;
    if (digits == end || *digits < '0' || *digits > '9') refuse(text, what, "no digit after '.'");
    after = std::from_chars(after, end, fraction, std::chars_format::fixed).ptr;
  }

  int power = parse_unit({after, static_cast<std::size_t>(end - after)});
  if (power < 0) refuse(text, what, "unknown unit");
  const std::uint64_t unit = std::uint64_t{1} << (10 * power);
  const auto part = static_cast<std::uint64_t>(fraction * static_cast<double>(unit));
  if (whole > (std::numeric_limits<std::uint64_t>::max() - part) / unit) {
    refuse(text, what, "too large");
  }
  return {whole * unit + part};
}

std::string in_words(Bytes bytes) {
  static constexpr std::array<const char*, 6> kNames{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto amount = static_cast<double>(bytes.value);
  std::size_t power = 0;
  while (amount >= 1024 && power + 1 < kNames.size()) {
    amount /= 1024;
    ++power;
  }
  return fmt::format("{:.4g}{}", amount, kNames[power]);
}

}  // namespace minidocker
