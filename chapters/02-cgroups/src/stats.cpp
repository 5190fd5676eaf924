#include "minidocker/cgroups/stats.hpp"

#include <algorithm>
#include <charconv>

namespace minidocker::cgroups {
namespace {

/// v1 rounds "unlimited" down to a page, whose size differs between machines: 64 KiB at most.
constexpr std::uint64_t kV1NoLimit = 0x7FFF'FFFF'FFFF'0000;

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_keyed(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return parse_number(line.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

std::optional<Bytes> parse_v1_limit(std::string_view text) {
  const std::optional<std::uint64_t> number = parse_number(text);
  if (!number || *number >= kV1NoLimit) return std::nullopt;
  return Bytes{*number};
}

}  // namespace minidocker::cgroups
