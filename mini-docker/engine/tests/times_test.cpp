#include "times.hpp"

#include <gtest/gtest.h>

namespace minidocker::engine {
namespace {

TEST(Rfc3339, IsReadInItsForms) {
  EXPECT_EQ(seconds_of_rfc3339("2024-01-01T00:00:00Z"), 1704067200);
  EXPECT_EQ(seconds_of_rfc3339("2024-01-01T00:00:00.123456789Z"), 1704067200);
  EXPECT_EQ(seconds_of_rfc3339("2024-01-01T02:00:00+02:00"), 1704067200);
  EXPECT_EQ(seconds_of_rfc3339("2023-12-31T18:30:00-05:30"), 1704067200);
}

TEST(Rfc3339, IsWrittenAsGoWritesIt) {
  EXPECT_EQ(rfc3339_of(1'704'067'200'000'000'000), "2024-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339_of(1'704'067'200'120'000'000), "2024-01-01T00:00:00.12Z");
  EXPECT_EQ(rfc3339_of(1'704'067'200'000'000'001), "2024-01-01T00:00:00.000000001Z");
}

TEST(Rfc3339, AnythingElseIsNoTime) {
  for (const char* text :
       {"", "yesterday", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00:00+x"}) {
    EXPECT_EQ(seconds_of_rfc3339(text), 0) << text;
  }
}

}  // namespace
}  // namespace minidocker::engine
