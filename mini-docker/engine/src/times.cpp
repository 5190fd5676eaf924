#include "times.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>

namespace minidocker::engine {

std::int64_t seconds_of_rfc3339(const std::string& text) {
  std::tm time{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (rest == nullptr) return 0;
  if (*rest == '.') {
    ++rest;
    while (*rest >= '0' && *rest <= '9') ++rest;
  }
  std::int64_t offset = 0;
  if (*rest == '+' || *rest == '-') {
    int hours = 0;
    int minutes = 0;
    if (std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2) return 0;
    offset = (*rest == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
  } else if (*rest != 'Z' && *rest != 'z') {
    return 0;
  }
  return static_cast<std::int64_t>(::timegm(&time)) - offset;
}

std::string rfc3339_of(std::int64_t nanoseconds) {
  constexpr std::int64_t kNanos = 1'000'000'000;
  const std::time_t seconds = nanoseconds / kNanos;
  std::tm time{};
  ::gmtime_r(&seconds, &time);
  std::string fraction = fmt::format(".{:09}", nanoseconds % kNanos);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (fraction == ".") fraction.clear();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", time.tm_year + 1900, time.tm_mon + 1,
                     time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec, fraction);
}

}  // namespace minidocker::engine
