#include "minidocker/cgroups/stats.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

namespace minidocker::cgroups {
namespace {

/// v1 rounds "unlimited" down to a page, whose size differs between machines: 64 KiB at most.
constexpr std::uint64_t kV1NoLimit = 0x7FFF'FFFF'FFFF'0000;

/// Cuts `text` at the first `separator` and returns the part before it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

/// The next word of a line; blanks before it are skipped.
std::string_view take_word(std::string_view& line) {
  while (line.starts_with(' ')) line.remove_prefix(1);
  return take_until(line, ' ');
}

std::optional<DeviceNumber> parse_device(std::string_view word) {
  const auto major = parse_number(take_until(word, ':'));
  const auto minor = parse_number(word);
  if (!major || !minor) return std::nullopt;
  return DeviceNumber{static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor)};
}

double parse_percent(std::string_view text) {
  double number = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// `avg10=0.12 avg60=... avg300=... total=1234`.
PressureShare parse_share(std::string_view words) {
  PressureShare share;
  while (!words.empty()) {
    std::string_view value = take_word(words);
    const std::string_view key = take_until(value, '=');
    if (key == "avg10") share.avg10 = parse_percent(value);
    if (key == "avg60") share.avg60 = parse_percent(value);
    if (key == "avg300") share.avg300 = parse_percent(value);
    if (key == "total") {
      share.total =
          std::chrono::microseconds(static_cast<std::int64_t>(parse_number(value).value_or(0)));
    }
  }
  return share;
}

/// A key of io.stat as v1 names what it counts.
struct IoKey {
  std::string_view key;
  std::vector<IoCount> IoStats::* counts;
  const char* operation;
};
constexpr std::array<IoKey, 6> kIoKeys{{{"rbytes", &IoStats::bytes, "Read"},
                                        {"wbytes", &IoStats::bytes, "Write"},
                                        {"dbytes", &IoStats::bytes, "Discard"},
                                        {"rios", &IoStats::operations, "Read"},
                                        {"wios", &IoStats::operations, "Write"},
                                        {"dios", &IoStats::operations, "Discard"}}};

void add_io_line(std::string_view line, IoStats& stats) {
  const std::optional<DeviceNumber> device = parse_device(take_word(line));
  while (device && !line.empty()) {
    std::string_view value = take_word(line);
    const std::string_view key = take_until(value, '=');
    const auto* known =
        std::ranges::find_if(kIoKeys, [&](const IoKey& entry) { return entry.key == key; });
    const std::optional<std::uint64_t> number = parse_number(value);
    if (known == kIoKeys.end() || !number) continue;
    (stats.*known->counts).push_back({*device, known->operation, *number});
  }
}

using RdmaMembers =
    std::pair<std::optional<std::uint64_t> RdmaStats::*, std::optional<std::uint64_t> RdmaStats::*>;

/// Lines `mlx5_1 hca_handle=2 hca_object=max`.
void add_rdma(std::string_view text, RdmaMembers members, std::map<std::string, RdmaStats>& all) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    RdmaStats& stats = all[std::string(take_word(line))];
    while (!line.empty()) {
      std::string_view value = take_word(line);
      const std::string_view key = take_until(value, '=');
      if (key == "hca_handle") stats.*members.first = parse_number(value);
      if (key == "hca_object") stats.*members.second = parse_number(value);
    }
  }
}

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
    const std::string_view line = take_until(text, '\n');
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return parse_number(line.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

std::map<std::string, std::uint64_t> parse_table(std::string_view text) {
  std::map<std::string, std::uint64_t> table;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view key = take_word(line);
    if (const auto number = parse_number(line)) table.emplace(key, *number);
  }
  return table;
}

std::optional<Bytes> parse_v1_limit(std::string_view text) {
  const std::optional<std::uint64_t> number = parse_number(text);
  if (!number || *number >= kV1NoLimit) return std::nullopt;
  return Bytes{*number};
}

std::vector<std::uint64_t> parse_column(std::string_view text, std::size_t column) {
  std::vector<std::uint64_t> numbers;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    for (std::size_t i = 0; i < column; ++i) (void)take_word(line);
    if (const auto number = parse_number(take_word(line))) numbers.push_back(*number);
  }
  return numbers;
}

std::vector<std::uint64_t> parse_row(std::string_view text) {
  std::string_view line = take_until(text, '\n');
  std::vector<std::uint64_t> numbers;
  while (!line.empty()) {
    if (const auto number = parse_number(take_word(line))) numbers.push_back(*number);
  }
  return numbers;
}

std::optional<Pressure> parse_pressure(std::string_view text) {
  std::optional<Pressure> pressure;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view who = take_word(line);
    if (who == "some") pressure = Pressure{parse_share(line), std::nullopt};
    if (who == "full" && pressure) pressure->full = parse_share(line);
  }
  return pressure;
}

IoStats parse_io_stat(std::string_view text) {
  IoStats stats;
  while (!text.empty()) add_io_line(take_until(text, '\n'), stats);
  return stats;
}

std::vector<IoCount> parse_v1_io(std::string_view text) {
  std::vector<IoCount> counts;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::optional<DeviceNumber> device = parse_device(take_word(line));
    const std::string operation(take_word(line));
    const std::optional<std::uint64_t> number = parse_number(line);
    if (device && number) counts.push_back({*device, operation, *number});
  }
  return counts;
}

std::map<std::string, RdmaStats> parse_rdma(std::string_view current, std::string_view max) {
  std::map<std::string, RdmaStats> all;
  add_rdma(current, {&RdmaStats::handles, &RdmaStats::objects}, all);
  add_rdma(max, {&RdmaStats::handles_limit, &RdmaStats::objects_limit}, all);
  return all;
}

}  // namespace minidocker::cgroups
