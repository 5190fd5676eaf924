#include "minidocker/testing/leak_check.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::testing {
namespace {

/// The one leak there is.
std::string only(LeakCheck& check) {
  check.dismiss();
  const std::vector<std::string> leaks = check.leaks();
  return leaks.size() == 1 ? leaks[0] : std::to_string(leaks.size()) + " leaks";
}

TEST(LeakCheck, IsQuietWhenNothingIsLeft) {
  LeakCheck check({.cgroups = {}});
  EXPECT_TRUE(check.leaks().empty());
}

TEST(LeakCheck, NamesADescriptor) {
  LeakCheck check({.cgroups = {}});
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ("descriptor " + std::to_string(fd) + " -> /dev/null", only(check));
  ::close(fd);
}

TEST(LeakCheck, NamesAProcessThatRuns) {
  LeakCheck check({.cgroups = {}, .grace = std::chrono::milliseconds(1)});
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  EXPECT_EQ(0U, only(check).find("process " + std::to_string(pid) + " ("));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST(LeakCheck, SeesAProcessWhoseParentIsGone) {
  LeakCheck check({.cgroups = {}, .grace = std::chrono::milliseconds(1)});
  int ends[2];
  ASSERT_EQ(0, ::pipe2(ends, O_CLOEXEC));
  const pid_t parent = ::fork();
  if (parent == 0) {
    const pid_t orphan = ::fork();
    if (orphan == 0) {
      ::pause();
      ::_exit(0);
    }
    [[maybe_unused]] const ssize_t told = ::write(ends[1], &orphan, sizeof(orphan));
    ::_exit(0);
  }
  pid_t orphan = 0;
  EXPECT_EQ(static_cast<ssize_t>(sizeof(orphan)), ::read(ends[0], &orphan, sizeof(orphan)));
  ::waitpid(parent, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(0U, only(check).find("process " + std::to_string(orphan) + " ("));
  ::kill(orphan, SIGKILL);
  ::waitpid(orphan, nullptr, 0);
}

TEST(LeakCheck, NamesAFileBelowADirectory) {
  char dir[] = "/tmp/mini-docker-leak-XXXXXX";
  ASSERT_NE(nullptr, ::mkdtemp(dir));
  LeakCheck check({.dirs = {dir}, .cgroups = {}});
  write_text(std::string(dir) + "/left", "x");
  EXPECT_EQ("file " + std::string(dir) + "/left", only(check));
  ::unlink((std::string(dir) + "/left").c_str());
  ::rmdir(dir);
}

TEST(LeakCheck, NamesAMount) {
  MD_NEEDS("root");
  in_sandbox([] {
    LeakCheck check({.cgroups = {}});
    ASSERT_EQ(0, ::mount("none", "/mnt", "tmpfs", 0, nullptr));
    EXPECT_NE(std::string::npos, only(check).find(" /mnt "));
  });
}

}  // namespace
}  // namespace minidocker::testing
