#include "minidocker/cgroups/weights.hpp"

#include <algorithm>
#include <cmath>

namespace minidocker::cgroups {

std::uint64_t weight_of_shares(std::uint64_t shares) {
  constexpr std::uint64_t kLeast = 2;
  constexpr std::uint64_t kMost = 262'144;
  if (shares <= kLeast) return 1;
  if (shares >= kMost) return 10'000;
  const double log = std::log2(static_cast<double>(shares));
  // (l*l + 125*l) / 612 - 7/34 is 0, 2 and 4 for the three shares that must map exactly.
  const double exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
  return static_cast<std::uint64_t>(std::ceil(std::pow(10.0, exponent)));
}

std::uint64_t io_weight_of(std::uint64_t blkio_weight) {
  constexpr std::uint64_t kLeast = 10;
  constexpr std::uint64_t kMost = 1000;
  const std::uint64_t weight = std::clamp(blkio_weight, kLeast, kMost);
  return 1 + (weight - kLeast) * 9999 / (kMost - kLeast);
}

}  // namespace minidocker::cgroups
