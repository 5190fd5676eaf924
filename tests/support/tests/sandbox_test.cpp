#include "minidocker/testing/sandbox.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {
namespace {

TEST(Sandbox, IsPidOneWithItsOwnMounts) {
  MD_NEEDS("userns");
  const ino_t ours = namespace_inode(::getpid(), "mnt");
  in_sandbox([ours] {
    EXPECT_EQ(1, ::getpid());
    EXPECT_NE(ours, namespace_inode(::getpid(), "mnt"));
    EXPECT_EQ(0, ::mount("none", "/mnt", "tmpfs", 0, nullptr));
    EXPECT_TRUE(files_below("/tmp").empty());
  });
}

TEST(Sandbox, TellsAFailureToTheRunningTest) {
  EXPECT_NONFATAL_FAILURE(in_child([] { EXPECT_EQ(1, 2) << "two is not one"; }), "two is not one");
}

TEST(Sandbox, TellsAnException) {
  EXPECT_NONFATAL_FAILURE(in_child([] { throw std::runtime_error("out of luck"); }), "out of luck");
}

TEST(Sandbox, TellsAViolentDeath) {
  EXPECT_NONFATAL_FAILURE(in_child([] { ::kill(::getpid(), SIGKILL); }), "signal 9");
}

TEST(Sandbox, DoesNotOutliveItsTestAsAnotherUserEither) {
  MD_NEEDS("root", "user");
  int ends[2];
  ASSERT_EQ(0, ::pipe2(ends, O_CLOEXEC));
  const pid_t test = ::fork();
  if (test == 0) {
    in_sandbox(
        [&ends] {
          const pid_t own = ::getpid();
          if (::write(ends[1], &own, sizeof(own)) == sizeof(own)) ::pause();
        },
        {.flags = 0, .as_user = true});
    ::_exit(0);
  }
  pid_t sandbox = 0;
  EXPECT_EQ(static_cast<ssize_t>(sizeof(sandbox)), ::read(ends[0], &sandbox, sizeof(sandbox)));
  // Its body runs, so that it is set up; the kernel tells of its maker's end from here on.
  ::kill(test, SIGKILL);
  ::waitpid(test, nullptr, 0);
  EXPECT_TRUE(wait_for_end(sandbox, std::chrono::seconds(10)));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Sandbox, BecomesAnOrdinaryUserWhenAskedTo) {
  MD_NEEDS("root", "user");
  in_sandbox([] { EXPECT_NE(0U, ::geteuid()); }, {.flags = 0, .as_user = true});
}

}  // namespace
}  // namespace minidocker::testing
