#include "minidocker/cgroups/weights.hpp"

#include <utility>

#include <gtest/gtest.h>

namespace minidocker::cgroups {
namespace {

TEST(CpuWeight, GoesThroughTheThreePointsThatMustHold) {
  for (const auto& [shares, weight] : {std::pair<std::uint64_t, std::uint64_t>{2, 1},
                                       {100, 17},
                                       {512, 59},
                                       {1024, 100},
                                       {2048, 174},
                                       {262'144, 10'000}}) {
    EXPECT_EQ(weight, weight_of_shares(shares)) << shares;
  }
}

TEST(CpuWeight, IsClampedAndNeverFalls) {
  EXPECT_EQ(1U, weight_of_shares(0));
  EXPECT_EQ(10'000U, weight_of_shares(1U << 30));
  std::uint64_t before = 0;
  for (std::uint64_t shares = 1; shares < 300'000; shares += 7) {
    const std::uint64_t weight = weight_of_shares(shares);
    ASSERT_GE(weight, before) << shares;
    ASSERT_LE(weight, 10'000U) << shares;
    before = weight;
  }
}

TEST(IoWeight, IsAStraightLineBetweenTheEnds) {
  for (const auto& [blkio, io] : {std::pair<std::uint64_t, std::uint64_t>{10, 1},
                                  {100, 910},
                                  {500, 4950},
                                  {1000, 10'000},
                                  {0, 1},
                                  {5000, 10'000}}) {
    EXPECT_EQ(io, io_weight_of(blkio)) << blkio;
  }
}

}  // namespace
}  // namespace minidocker::cgroups
