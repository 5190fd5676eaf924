#include "limit_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>

#include "usage_error.hpp"
#include "words.hpp"

namespace minidocker::cli {
namespace {

constexpr std::array<std::string_view, 15> kUlimits{
    "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
    "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};

[[noreturn]] void bad(const std::string& text, std::string_view flag, const std::string& why) {
  throw UsageError(fmt::format("invalid argument \"{}\" for \"{}\" flag: {}", text, flag, why));
}

template <class Number>
std::optional<Number> find_number(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return number;
}

std::uint64_t parse_ulimit_value(std::string_view value, const std::string& text) {
  if (value == "-1" || value == "unlimited") return ~std::uint64_t{0};
  const std::optional<std::uint64_t> number = find_number<std::uint64_t>(value);
  if (!number) bad(text, "--ulimit", fmt::format("not a number: \"{}\"", value));
  return *number;
}

}  // namespace

std::optional<Bytes> parse_memory(const std::string& text) {
  Bytes bytes;
  try {
    bytes = parse_bytes(text, "--memory");
  } catch (const Error&) {
    bad(text, "-m, --memory", fmt::format("invalid size: '{}'", text));
  }
  if (bytes.value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    bad(text, "-m, --memory", fmt::format("invalid size: '{}'", text));
  }
  if (bytes.value == 0) return std::nullopt;
  return bytes;
}

std::optional<std::int64_t> parse_cpus(const std::string& text) {
  constexpr double kNanosPerCpu = 1e9;
  const std::optional<double> cpus = find_number<double>(text);
  if (!cpus || !(*cpus > -1e6 && *cpus < 1e6)) {
    bad(text, "--cpus", fmt::format("failed to parse {} as a rational number", text));
  }
  const auto nanos = static_cast<std::int64_t>(*cpus * kNanosPerCpu + 0.5);
  if (nanos == 0) return std::nullopt;
  return nanos;
}

std::optional<std::int64_t> parse_pids_limit(const std::string& text) {
  const std::optional<std::int64_t> number = find_number<std::int64_t>(text);
  if (!number) bad(text, "--pids-limit", fmt::format("not a number: \"{}\"", text));
  if (*number == 0) return std::nullopt;
  return std::max<std::int64_t>(*number, -1);
}

engine::Ulimit parse_ulimit(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    bad(text, "--ulimit", fmt::format("invalid ulimit argument: {}", text));
  }
  engine::Ulimit limit;
  limit.name = text.substr(0, equals);
  if (std::ranges::find(kUlimits, limit.name) == kUlimits.end()) {
    bad(text, "--ulimit", fmt::format("invalid ulimit type: {}", limit.name));
  }
  const std::vector<std::string> values = split(text.substr(equals + 1), ':');
  if (values.size() > 2) bad(text, "--ulimit", "too many limit value arguments");
  limit.soft = parse_ulimit_value(values.front(), text);
  limit.hard = parse_ulimit_value(values.back(), text);
  if (limit.soft > limit.hard) {
    bad(text, "--ulimit",
        fmt::format("ulimit soft limit must be less than or equal to hard limit: {} > {}",
                    values.front(), values.back()));
  }
  return limit;
}

}  // namespace minidocker::cli
