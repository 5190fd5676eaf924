#include "limit_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

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

std::optional<Bytes> find_bytes(const std::string& text) {
  try {
    const Bytes bytes = parse_bytes(text, "");
    if (bytes.value <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return bytes;
  } catch (const Error&) {
    return std::nullopt;
  }
  return std::nullopt;
}

/// "/dev/sda:WHAT" as its two parts.
std::pair<std::string, std::string> split_device(const std::string& text, std::string_view flag) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) bad(text, flag, "bad format: " + text);
  if (!text.starts_with("/dev/")) bad(text, flag, "bad format for device path: " + text);
  return {text.substr(0, colon), text.substr(colon + 1)};
}

/// Of "r", "w" and "m" each at most once.
bool is_access(std::string_view text) {
  return !text.empty() && text.find_first_not_of("rwm") == std::string_view::npos &&
         std::ranges::all_of(text, [&](char c) { return std::ranges::count(text, c) == 1; });
}

std::uint64_t parse_ulimit_value(std::string_view value, const std::string& text) {
  if (value == "-1" || value == "unlimited") return ~std::uint64_t{0};
  const std::optional<std::uint64_t> number = find_number<std::uint64_t>(value);
  if (!number) bad(text, "--ulimit", fmt::format("not a number: \"{}\"", value));
  return *number;
}

}  // namespace

std::optional<Bytes> parse_size(const std::string& text, std::string_view flag) {
  const std::optional<Bytes> bytes = find_bytes(text);
  if (!bytes) bad(text, flag, fmt::format("invalid size: '{}'", text));
  if (bytes->value == 0) return std::nullopt;
  return bytes;
}

std::optional<std::int64_t> parse_swap(const std::string& text) {
  if (text == "-1") return -1;
  const std::optional<Bytes> bytes = parse_size(text, "--memory-swap");
  if (!bytes) return std::nullopt;
  return static_cast<std::int64_t>(bytes->value);
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

std::optional<std::int64_t> parse_count(const std::string& text, std::string_view flag) {
  const std::optional<std::int64_t> number = find_number<std::int64_t>(text);
  if (!number) bad(text, flag, fmt::format("not a number: \"{}\"", text));
  if (*number == 0) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parse_pids_limit(const std::string& text) {
  const std::optional<std::int64_t> number = parse_count(text, "--pids-limit");
  if (!number) return std::nullopt;
  return std::max<std::int64_t>(*number, -1);
}

int parse_oom_score(const std::string& text) {
  const std::optional<int> score = find_number<int>(text);
  if (!score) bad(text, "--oom-score-adj", fmt::format("not a number: \"{}\"", text));
  return *score;
}

std::optional<int> parse_swappiness(const std::string& text) {
  const std::optional<int> number = find_number<int>(text);
  if (!number) bad(text, "--memory-swappiness", fmt::format("not a number: \"{}\"", text));
  if (*number == -1) return std::nullopt;  // docker's own "not set"
  if (*number >= 0 && *number <= 100) return number;
  throw UsageError(
      fmt::format("invalid value: {}. Valid memory swappiness range is 0-100", *number));
}

std::optional<std::uint16_t> parse_weight(const std::string& text) {
  const std::optional<std::uint16_t> weight = find_number<std::uint16_t>(text);
  if (!weight) bad(text, "--blkio-weight", fmt::format("not a number: \"{}\"", text));
  if (*weight == 0) return std::nullopt;
  return weight;
}

std::optional<engine::DeviceWeight> parse_weight_device(const std::string& text) {
  constexpr std::string_view kFlag = "--blkio-weight-device";
  const auto [path, value] = split_device(text, kFlag);
  const std::optional<std::uint16_t> weight = find_number<std::uint16_t>(value);
  if (weight == 0) return std::nullopt;
  if (!weight || *weight < 10 || *weight > 1000) {
    bad(text, kFlag, "invalid weight for device: " + text);
  }
  return engine::DeviceWeight{path, *weight};
}

engine::DeviceRate parse_bps(const std::string& text, std::string_view flag) {
  const auto [path, value] = split_device(text, flag);
  const std::optional<Bytes> rate = find_bytes(value);
  if (!rate) {
    bad(text, flag,
        fmt::format("invalid rate for device: {}. The correct format is <device-path>:<number>"
                    "[<unit>]. Number must be a positive integer. Unit is optional and can be kb, "
                    "mb, or gb",
                    text));
  }
  return {path, rate->value};
}

engine::DeviceRate parse_iops(const std::string& text, std::string_view flag) {
  const auto [path, value] = split_device(text, flag);
  const std::optional<std::uint64_t> rate = find_number<std::uint64_t>(value);
  if (!rate) {
    bad(text, flag,
        fmt::format("invalid rate for device: {}. The correct format is <device-path>:<number>. "
                    "Number must be a positive integer",
                    text));
  }
  return {path, *rate};
}

engine::DeviceRequest parse_device(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() > 3 || parts.front().empty()) {
    throw UsageError("bad format for path: " + text);
  }
  engine::DeviceRequest device{parts[0], parts[0], "rwm"};
  if (parts.size() == 2) (is_access(parts[1]) ? device.access : device.target) = parts[1];
  if (parts.size() == 3) {
    if (!is_access(parts[2])) throw UsageError("bad mode specified: " + parts[2]);
    device.target = parts[1];
    device.access = parts[2];
  }
  for (const std::string& path : {device.source, device.target}) {
    if (!path.starts_with('/')) throw UsageError(path + " is not an absolute path");
  }
  return device;
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
