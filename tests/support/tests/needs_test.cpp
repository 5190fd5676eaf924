#include "minidocker/testing/needs.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <stdexcept>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace minidocker::testing {
namespace {

TEST(Needs, KnowsWhetherWeAreRoot) { EXPECT_EQ(::geteuid() == 0, missing("root").empty()); }

TEST(Needs, AnswersForEachNeedThereIs) {
  for (const char* need :
       {"root", "user", "userns", "overlay", "cgroup1", "cgroup2", "systemd", "delegated", "tty",
        "strace", "crun", "runc", "busybox", "qemu", "newuidmap", "clang-format-19"}) {
    EXPECT_NO_THROW((void)missing(need)) << need;
  }
}

TEST(Needs, RefusesANameItDoesNotKnow) {
  EXPECT_THROW((void)missing("rooot"), std::invalid_argument);
}

TEST(Needs, NamesNeedAndReason) {
  const auto lines = missing_of({"cgroup1", "cgroup2"});
  for (const std::string& line : lines) EXPECT_NE(std::string::npos, line.find(": ")) << line;
}

TEST(Needs, ASkipForARequiredNeedIsAFailure) {
  const char* before = ::getenv("MD_REQUIRE");
  const std::string saved = before == nullptr ? "" : before;
  ::setenv("MD_REQUIRE", "moon,sun", 1);
  EXPECT_NONFATAL_FAILURE(report_missing("moon: it is new"), "MD_REQUIRE");
  report_missing("stars: it is cloudy");
  ::setenv("MD_REQUIRE", saved.c_str(), 1);
}

}  // namespace
}  // namespace minidocker::testing
