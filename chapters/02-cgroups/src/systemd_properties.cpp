#include "systemd_properties.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::cgroups {
namespace {

using Properties = std::vector<Property>;

constexpr const char* kInfinity = "18446744073709551615";
constexpr std::uint64_t kSecond = 1'000'000;  // in microseconds
constexpr std::uint64_t kHundredth = kSecond / 100;

/// Files that hold one number or "max", and what systemd calls them.
constexpr std::array<std::pair<std::string_view, const char*>, 8> kNumbers{{
    {"memory.max", "MemoryMax"},
    {"memory.high", "MemoryHigh"},
    {"memory.low", "MemoryLow"},
    {"memory.min", "MemoryMin"},
    {"memory.swap.max", "MemorySwapMax"},
    {"cpu.weight", "CPUWeight"},
    {"io.weight", "IOWeight"},
    {"pids.max", "TasksMax"},
}};

[[noreturn]] void refuse_value(const ControlWrite& write, std::string_view expected) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {} {}: with systemd {}", write.what,
                                                       write.file, quoted(write.value), expected));
}

void add_number(const char* name, const ControlWrite& write, Properties& properties) {
  std::string_view value = write.value;
  if (value.starts_with("default ")) value.remove_prefix(8);  // io.weight's own word
  if (value != "max" && !parse_number<std::uint64_t>(value)) {
    refuse_value(write, "it must be a plain number or max");
  }
  properties.push_back(
      {name, Property::Type::number, value == "max" ? kInfinity : std::string(value)});
}

/// A quota as time in each second. systemd keeps whole hundredths of a CPU, in a file that it reads
/// again later; so that nobody gets less than was asked for, we round up.
std::uint64_t time_per_second(std::uint64_t quota_us, std::uint64_t period_us) {
  const std::uint64_t exact = (quota_us * kSecond + period_us - 1) / period_us;
  return (exact + kHundredth - 1) / kHundredth * kHundredth;
}

/// "QUOTA PERIOD" in microseconds.
void add_quota(const ControlWrite& write, Properties& properties) {
  const std::string_view value = write.value;
  const std::size_t blank = std::min(value.find(' '), value.size());
  const std::string_view quota = value.substr(0, blank);
  const std::string_view period = blank == value.size() ? "100000" : value.substr(blank + 1);
  const auto period_us = parse_number<std::uint64_t>(period);
  const auto quota_us = parse_number<std::uint64_t>(quota);
  if (!period_us || *period_us == 0 || (quota != "max" && !quota_us) ||
      quota_us.value_or(0) > UINT64_MAX / kSecond) {
    refuse_value(write, "it must be \"QUOTA PERIOD\" in microseconds");
  }
  properties.push_back(
      {"CPUQuotaPerSecUSec", Property::Type::number,
       quota_us ? std::to_string(time_per_second(*quota_us, *period_us)) : kInfinity});
  properties.push_back({"CPUQuotaPeriodUSec", Property::Type::number, std::string(period)});
}

/// "0-2,7" as a mask, the lowest CPU in the lowest bit of the first byte.
void add_mask(const char* name, const ControlWrite& write, Properties& properties) {
  constexpr std::size_t kMost = 8192;  // the kernel's own NR_CPUS at most
  std::vector<std::uint8_t> mask;
  for (std::string_view rest = write.value; !rest.empty();) {
    const std::string_view range = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(range.size() + 1, rest.size()));
    const std::size_t dash = std::min(range.find('-'), range.size());
    const auto first = parse_number<std::size_t>(range.substr(0, dash));
    const auto last =
        dash == range.size() ? first : parse_number<std::size_t>(range.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= kMost) {
      refuse_value(write, "it must be a list such as 0-2,7");
    }
    mask.resize(std::max(mask.size(), *last / 8 + 1));
    for (std::size_t bit = *first; bit <= *last; ++bit) {
      mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | (1U << (bit % 8)));
    }
  }
  properties.push_back({name, Property::Type::bytes, fmt::format("{:02x}", fmt::join(mask, ""))});
}

void add(const ControlWrite& write, Properties& properties) {
  for (const auto& [file, name] : kNumbers) {
    if (write.file == file) return add_number(name, write, properties);
  }
  if (write.file == "cpu.max") return add_quota(write, properties);
  if (write.file == "cpuset.cpus") return add_mask("AllowedCPUs", write, properties);
  if (write.file == "cpuset.mems") return add_mask("AllowedMemoryNodes", write, properties);
  // Idle is a weight to systemd: the least of all.
  if (write.file == "cpu.idle" && write.value == "1") {
    properties.push_back({"CPUWeight", Property::Type::number, "0"});
  }
}

}  // namespace

std::vector<Property> properties_of(const std::vector<ControlWrite>& writes) {
  Properties properties;
  for (const ControlWrite& write : writes) add(write, properties);
  return properties;
}

}  // namespace minidocker::cgroups
