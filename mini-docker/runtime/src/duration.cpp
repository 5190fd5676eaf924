#include "duration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::runtime {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 6> kUnits{
    {{"h", 3600e9}, {"m", 60e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}}};
/// Below the 292 years that a std::int64_t has room for.
constexpr double kMost = 9e18;

/// Takes a number and its unit from the front of `rest`; negative if there is none.
double take_part(std::string_view& rest) {
  double number = 0;
  const char* end = rest.data() + rest.size();
  const auto read = std::from_chars(rest.data(), end, number, std::chars_format::fixed);
  if (read.ec != std::errc()) return -1;
  rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
  const std::string_view name = rest.substr(0, rest.find_first_not_of("hmsun"));
  const auto* unit = std::ranges::find(kUnits, name, &std::pair<std::string_view, double>::first);
  if (unit == kUnits.end()) return -1;
  rest.remove_prefix(name.size());
  return number * unit->second;
}

}  // namespace

std::chrono::nanoseconds parse_duration(std::string_view text, std::string_view option) {
  std::string_view rest = text;
  const bool is_negative = rest.starts_with('-');
  if (is_negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds::zero();
  double total = 0;
  do {
    const bool is_number = !rest.empty() && (rest[0] == '.' || (rest[0] >= '0' && rest[0] <= '9'));
    const double part = is_number ? take_part(rest) : -1;
    total += part;
    if (part >= 0 && total < kMost) continue;
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: {}: expected a duration such as 5s or 1m30s", option,
                            quoted(std::string(text))));
  } while (!rest.empty());
  const std::chrono::nanoseconds duration(static_cast<std::int64_t>(total));
  return is_negative ? -duration : duration;
}

}  // namespace minidocker::runtime
