#pragma once
/// \file
/// A group's files as numbers, for both drivers' statistics.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/cgroups/stats.hpp"

namespace minidocker::cgroups {

/// Reads files of one directory; where there is none, or no such file, all is absent.
class StatFiles {
 public:
  /// `path` empty: this host has no such hierarchy.
  explicit StatFiles(std::string path) : path_(std::move(path)) {}

  [[nodiscard]] std::string text(std::string_view file) const;                     ///< "" if absent
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view file) const;  ///< the only one
  [[nodiscard]] std::optional<Bytes> bytes(std::string_view file) const;           ///< the same
  [[nodiscard]] std::optional<Pressure> pressure(std::string_view file) const;     ///< PSI
  /// SIZE of each file `hugetlb.SIZE` + `end`.
  [[nodiscard]] std::vector<std::string> page_sizes(std::string_view end) const;

 private:
  std::string path_;
};

/// A list of CPUs or nodes without the end of its line.
[[nodiscard]] std::string one_line(std::string text);
/// Absent stays absent.
[[nodiscard]] std::optional<Bytes> as_bytes(std::optional<std::uint64_t> number);
/// Absent stays absent; v1 counts in nanoseconds, v2 in microseconds.
template <class Unit>
[[nodiscard]] std::optional<std::chrono::nanoseconds> as_time(std::optional<std::uint64_t> number) {
  if (!number) return std::nullopt;
  return Unit(static_cast<std::int64_t>(*number));
}
/// The number behind `key` as bytes.
[[nodiscard]] std::optional<Bytes> bytes_of(const std::map<std::string, std::uint64_t>& table,
                                            const std::string& key);

}  // namespace minidocker::cgroups
