#pragma once
/// \file
/// Points in time.

#include <cstdint>
#include <string>

namespace minidocker::engine {

/// Seconds since 1970 of `2024-01-01T00:00:00Z`, with fractions or an offset or without; 0 for
/// anything else.
[[nodiscard]] std::int64_t seconds_of_rfc3339(const std::string& text);

/// `2024-01-01T00:00:00.5Z` of nanoseconds since 1970, as Go writes times: no zeros at the end.
[[nodiscard]] std::string rfc3339_of(std::int64_t nanoseconds);

}  // namespace minidocker::engine
