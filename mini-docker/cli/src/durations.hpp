#pragma once
/// \file
/// Durations and sizes in docker's words (docker/go-units).

#include <cstdint>
#include <string>

#include "minidocker/toolbox/bytes.hpp"

namespace minidocker::cli {

/// "Less than a second", "About an hour", "3 days": the largest unit that fits.
[[nodiscard]] std::string duration_in_words(std::int64_t seconds);
/// "1.23MB", "957kB": three digits, powers of 1000.
[[nodiscard]] std::string size_in_words(Bytes size);

}  // namespace minidocker::cli
