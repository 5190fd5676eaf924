#pragma once
/// \file
/// Durations and sizes in docker's words (docker/go-units).

#include <cstdint>
#include <string>

#include "minidocker/toolbox/bytes.hpp"

namespace minidocker::cli {

/// "Less than a second", "About an hour", "3 days": the largest unit that fits.
[[nodiscard]] std::string duration_in_words(std::int64_t seconds);
/// "1.23MB", "957kB": powers of 1000; three digits in docker's tables, four in its sentences.
[[nodiscard]] std::string size_in_words(Bytes size, int digits = 3);
/// "2 weeks ago"; times are seconds since 1970, and 0 is "N/A": never, or nobody knows.
[[nodiscard]] std::string ago_in_words(std::int64_t then, std::int64_t now);

}  // namespace minidocker::cli
