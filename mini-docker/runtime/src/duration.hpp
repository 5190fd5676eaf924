#pragma once
/// \file
/// Durations as programs written in Go take them.

#include <chrono>
#include <string>
#include <string_view>

namespace minidocker::runtime {

/// `5s`, `1m30s`, `250ms`, `1.5h`: numbers with units (h, m, s, ms, us, ns) one after the other, or
/// `0`; a sign in front. Throws Error(invalid_argument) that names `option`.
[[nodiscard]] std::chrono::nanoseconds parse_duration(std::string_view text,
                                                      std::string_view option);

}  // namespace minidocker::runtime
