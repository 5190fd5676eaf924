#include "times.hpp"

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

}  // namespace minidocker::engine
