#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/security/process_limits.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::security {
namespace {

TEST(RlimitOfAProcess, IsSetForIt) {
  testing::in_child([] {
    ChildContext context;
    EXPECT_TRUE((SetRlimit{{RLIMIT_NOFILE, 100, 200}}.run(context)));
    EXPECT_EQ((std::vector<std::string>{"100", "200"}),
              testing::limit_of(::getpid(), "Max open files"));
  });
}

TEST(RlimitOfAProcess, CannotBeRaisedByAUserNorBeTurnedAround) {
  testing::in_sandbox(
      [] {
        ChildContext context;
        EXPECT_TRUE((SetRlimit{{RLIMIT_NOFILE, 100, 200}}.run(context)));
        EXPECT_EQ(EPERM, (SetRlimit{{RLIMIT_NOFILE, 100, 201}}.run(context).error));
        EXPECT_EQ(EINVAL, (SetRlimit{{RLIMIT_NOFILE, 101, 100}}.run(context).error));
      },
      {.flags = 0, .as_user = true});
}

TEST(OomScore, IsWritten) {
  testing::in_child([] {
    ChildContext context;
    EXPECT_TRUE(SetOomScore{777}.run(context));
    EXPECT_EQ("777\n", testing::read_text("/proc/self/oom_score_adj"));
    EXPECT_EQ(EINVAL, SetOomScore{1001}.run(context).error);
  });
}

TEST(OomScore, CannotBeLoweredByAUser) {
  testing::in_sandbox(
      [] {
        ChildContext context;
        EXPECT_EQ(EACCES, SetOomScore{-1000}.run(context).error);
      },
      {.flags = 0, .as_user = true});
}

}  // namespace
}  // namespace minidocker::security
