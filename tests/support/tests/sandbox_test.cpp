#include "minidocker/testing/sandbox.hpp"

#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

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

TEST(Sandbox, BecomesAnOrdinaryUserWhenAskedTo) {
  MD_NEEDS("root", "user");
  in_sandbox([] { EXPECT_NE(0U, ::geteuid()); }, {.flags = 0, .as_user = true});
}

}  // namespace
}  // namespace minidocker::testing
