#include "minidocker/security/dumpable.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/steps.hpp"
#include "minidocker/toolbox/started_child.hpp"

namespace minidocker::security {
namespace {

/// What open(2) says to somebody with the same privileges who wants a child's program; 0: it opens.
int error_of_opening_the_program(bool hidden) {
  ChildPlan plan;
  if (hidden) plan.add(HideFromOthers{});
  plan.add(Sync{SyncPoint::ready, "be looked at"});
  StartedChild child = StartedChild::start(plan, {});
  child.wait_for(SyncPoint::ready);
  const std::string program = "/proc/" + std::to_string(child.process().pid()) + "/exe";
  const int fd = ::open(program.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

TEST(HideFromOthers, ClosesTheProcessToWhoHasThePrivilegesItHas) {
  MD_NEEDS("root");
  testing::as_user([] {
    EXPECT_EQ(0, error_of_opening_the_program(false));
    EXPECT_EQ(EACCES, error_of_opening_the_program(true));
  });
}

TEST(HideFromOthers, SaysWhatItDoes) {
  EXPECT_EQ("let no process of the container look into this one", HideFromOthers{}.describe());
}

}  // namespace
}  // namespace minidocker::security
