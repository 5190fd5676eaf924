#pragma once
/// \file
/// Weights of v1, which config.json speaks, as those of v2.

#include <cstdint>

namespace minidocker::cgroups {

/// v2's cpu.weight (1 to 10000) for v1's cpu.shares (2 to 262144, clamped): a curve through
/// 2 -> 1, 1024 -> 100 and 262144 -> 10000, which are the three points that must hold.
[[nodiscard]] std::uint64_t weight_of_shares(std::uint64_t shares);

/// v2's io.weight (1 to 10000) for v1's blkio.weight (10 to 1000, clamped): a straight line.
[[nodiscard]] std::uint64_t io_weight_of(std::uint64_t blkio_weight);

}  // namespace minidocker::cgroups
