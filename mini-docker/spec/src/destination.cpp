#include "minidocker/spec/destination.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace minidocker::spec {
namespace {

constexpr std::array<std::string_view, 11> kCoverable = {"/proc/cpuinfo",
                                                         "/proc/diskstats",
                                                         "/proc/loadavg",
                                                         "/proc/meminfo",
                                                         "/proc/net/dev",
                                                         "/proc/slabinfo",
                                                         "/proc/stat",
                                                         "/proc/swaps",
                                                         "/proc/sys/crypto/fips_enabled",
                                                         "/proc/sys/kernel/ns_last_pid",
                                                         "/proc/uptime"};

}  // namespace

std::string normal_destination(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string normal;
  for (const std::string_view part : parts) normal.append("/").append(part);
  return normal.empty() ? "/" : normal;
}

bool is_coverable(std::string_view normal) noexcept {
  return !normal.starts_with("/proc/") || std::ranges::find(kCoverable, normal) != kCoverable.end();
}

}  // namespace minidocker::spec
