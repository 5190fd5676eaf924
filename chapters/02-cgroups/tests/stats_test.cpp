#include "minidocker/cgroups/stats.hpp"

#include <gtest/gtest.h>

namespace minidocker::cgroups {
namespace {

TEST(Stats, NumberIsAloneInItsFile) {
  EXPECT_EQ(4096U, parse_number("4096\n"));
  EXPECT_EQ(0U, parse_number("0"));
  for (const char* text : {"", "\n", "max\n", "12 34\n", "-1\n", "99999999999999999999\n"}) {
    EXPECT_EQ(std::nullopt, parse_number(text)) << text;
  }
}

TEST(Stats, KeyedNumberIsFoundByItsWholeKey) {
  constexpr const char* kText = "nr_periods 12\nnr_throttled 3\nthrottled_time 99\nlast 7";
  EXPECT_EQ(12U, parse_keyed(kText, "nr_periods"));
  EXPECT_EQ(3U, parse_keyed(kText, "nr_throttled"));
  EXPECT_EQ(7U, parse_keyed(kText, "last"));
  EXPECT_EQ(std::nullopt, parse_keyed(kText, "nr"));
  EXPECT_EQ(std::nullopt, parse_keyed(kText, "absent"));
  EXPECT_EQ(std::nullopt, parse_keyed("key\n", "key"));
  EXPECT_EQ(std::nullopt, parse_keyed("", "key"));
}

TEST(Stats, V1sGreatestPageMultipleIsNoLimit) {
  EXPECT_EQ(std::nullopt, parse_v1_limit("9223372036854771712\n"));
  EXPECT_EQ(Bytes{67108864}, parse_v1_limit("67108864\n"));
  EXPECT_EQ(std::nullopt, parse_v1_limit(""));
}

}  // namespace
}  // namespace minidocker::cgroups
