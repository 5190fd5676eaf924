#include "minidocker/security/process_limits.hpp"

#include <csignal>

#include <gtest/gtest.h>

#include "minidocker/toolbox/linux_names.hpp"

namespace minidocker::security {
namespace {

TEST(Rlimit, EachOfTheSixteenHasAName) {
  for (int resource = 0; resource < RLIMIT_NLIMITS; ++resource) {
    EXPECT_EQ(resource, rlimit_number(rlimit_name(resource)));
  }
  EXPECT_EQ("RLIMIT_99", rlimit_name(99));
}

TEST(ProcessLimitSteps, SayWhatTheyDo) {
  EXPECT_EQ("limit RLIMIT_NOFILE to 1024 (hard limit unlimited)",
            (SetRlimit{{RLIMIT_NOFILE, 1024, RLIM_INFINITY}}.describe()));
  EXPECT_EQ("set the OOM score adjustment to -5", SetOomScore{-5}.describe());
}

}  // namespace
}  // namespace minidocker::security
