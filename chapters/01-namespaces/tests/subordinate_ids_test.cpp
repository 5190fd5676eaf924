#include "minidocker/namespaces/subordinate_ids.hpp"

#include <gtest/gtest.h>

namespace minidocker::namespaces {
namespace {

using Ranges = std::vector<IdRange>;

TEST(SubordinateIds, AUserStandsThereByNameOrByNumber) {
  const char* const text = "ann:100000:65536\nbob:165536:65536\n1000:300000:10\n";
  EXPECT_EQ(parse_subordinate_ids(text, "ann", 1000), (Ranges{{100000, 65536}, {300000, 10}}));
  EXPECT_EQ(parse_subordinate_ids(text, "bob", 1001), (Ranges{{165536, 65536}}));
  EXPECT_TRUE(parse_subordinate_ids(text, "eve", 1002).empty());
}

TEST(SubordinateIds, WhatIsNoRangeIsPassedOver) {
  const char* const text =
      "# ann:1:2\n\nann\nann:\nann:x:1\nann:1:0\nann:4294967296:1\nann::5\nann:5:6:rest\nann:7:8";
  EXPECT_EQ(parse_subordinate_ids(text, "ann", 1000), (Ranges{{5, 6}, {7, 8}}));
}

TEST(SubordinateIds, AUserWithoutANameDoesNotOwnTheLinesWithoutOne) {
  EXPECT_TRUE(parse_subordinate_ids(":100000:65536\n", "", 1000).empty());
}

TEST(LoginName, IsTheFirstOneWithThatNumber) {
  const char* const text = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/:\nann2:x:1000:1000::/:\n";
  EXPECT_EQ(find_login_name(text, 1000), "ann");
  EXPECT_EQ(find_login_name(text, 0), "root");
  EXPECT_EQ(find_login_name(text, 7), std::nullopt);
  EXPECT_EQ(find_login_name("", 0), std::nullopt);
  EXPECT_EQ(find_login_name(":x:7:\n\n::::\n", 7), std::nullopt);
}

TEST(RootlessMaps, RootInsideIsTheUserAndTheRestIsStacked) {
  const RootlessMaps maps = rootless_maps(1000, 100, {{{100000, 10}, {200000, 5}}, {{7000, 3}}});
  EXPECT_EQ(maps.uids, (std::vector<IdMapping>{{0, 1000, 1}, {1, 100000, 10}, {11, 200000, 5}}));
  EXPECT_EQ(maps.gids, (std::vector<IdMapping>{{0, 100, 1}, {1, 7000, 3}}));
}

TEST(RootlessMaps, WithoutSubordinateIdsThereIsJustTheUser) {
  const RootlessMaps maps = rootless_maps(1000, 100, {});
  EXPECT_EQ(maps.uids, (std::vector<IdMapping>{{0, 1000, 1}}));
  EXPECT_EQ(maps.gids, (std::vector<IdMapping>{{0, 100, 1}}));
}

TEST(FindForbidden, TheOwnIdAndWholeRangesAreAllowed) {
  const Ranges ranges{{100000, 65536}};
  EXPECT_EQ(find_forbidden({{0, 1000, 1}, {1, 100000, 65536}}, 1000, ranges), std::nullopt);
  EXPECT_EQ(find_forbidden({{0, 1000, 2}}, 1000, ranges), (IdMapping{0, 1000, 2}));
  EXPECT_EQ(find_forbidden({{0, 99999, 2}}, 1000, ranges), (IdMapping{0, 99999, 2}));
  EXPECT_EQ(find_forbidden({{1, 100000, 65537}}, 1000, ranges), (IdMapping{1, 100000, 65537}));
}

TEST(FindForbidden, RangesThatMeetOrOverlapAreAsOne) {
  const Ranges ranges{{100010, 10}, {100000, 10}, {100025, 10}, {100030, 20}};
  EXPECT_EQ(find_forbidden({{0, 100000, 20}}, 1000, ranges), std::nullopt);
  EXPECT_EQ(find_forbidden({{0, 100025, 25}}, 1000, ranges), std::nullopt);
  EXPECT_EQ(find_forbidden({{0, 100000, 21}}, 1000, ranges), (IdMapping{0, 100000, 21}));
  EXPECT_EQ(find_forbidden({{0, 100015, 15}}, 1000, ranges), (IdMapping{0, 100015, 15}))
      << "there is a gap";
}

TEST(FindForbidden, NumbersDoNotWrapAround) {
  EXPECT_EQ(find_forbidden({{1, 4294967290, 10}}, 1000, {{0, 10}}), (IdMapping{1, 4294967290, 10}));
}

}  // namespace
}  // namespace minidocker::namespaces
