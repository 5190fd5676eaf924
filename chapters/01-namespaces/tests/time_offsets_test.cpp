#include "minidocker/namespaces/time_offsets.hpp"

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::namespaces {
namespace {

TEST(TimeOffsets, AreWrittenOneClockALine) {
  EXPECT_EQ(format_time_offsets({{Clock::monotonic, 86400, 5}, {Clock::boottime, -1, 999999999}}),
            "monotonic 86400 5\nboottime -1 999999999\n");
}

TEST(TimeOffsets, ASecondOfNanosecondsIsAnError) {
  EXPECT_THROW((void)format_time_offsets({{Clock::boottime, 0, 1000000000}}), Error);
}

TEST(TimeOffsets, AClockNamedTwiceIsAnError) {
  EXPECT_THROW((void)format_time_offsets({{Clock::boottime, 1, 0}, {Clock::boottime, 2, 0}}),
               Error);
}

}  // namespace
}  // namespace minidocker::namespaces
