#include "minidocker/toolbox/find_program.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker {
namespace {

class FindProgramTest : public ::testing::Test {
 protected:
  FindProgramTest() { ::setenv("PATH", ("relative::" + dir_.path() + ":/bin").c_str(), 1); }
  ~FindProgramTest() override { ::setenv("PATH", before_.c_str(), 1); }
  FindProgramTest(const FindProgramTest&) = delete;
  FindProgramTest& operator=(const FindProgramTest&) = delete;

  std::string make(const std::string& name, mode_t mode) {
    const std::string path = dir_.path() + "/" + name;
    testing::write_text(path, "");
    ::chmod(path.c_str(), mode);
    return path;
  }

  std::string before_ = std::getenv("PATH");
  TempDir dir_;
};

TEST_F(FindProgramTest, TheFirstAlongThePathIsTaken) {
  const std::string path = make("sh", 0755);
  EXPECT_EQ(path, find_program("sh"));
  EXPECT_EQ("/bin/cat", find_program("cat"));
}

TEST_F(FindProgramTest, WhatCannotBeExecutedIsPassedOver) {
  make("sh", 0644);
  EXPECT_EQ("/bin/sh", find_program("sh"));
  ::mkdir((dir_.path() + "/cat").c_str(), 0755);
  EXPECT_EQ("/bin/cat", find_program("cat"));
}

TEST_F(FindProgramTest, ANameWithASlashIsThatFile) {
  const std::string path = make("tool", 0755);
  EXPECT_EQ(path, find_program(path));
  EXPECT_EQ(std::nullopt, find_program(dir_.path() + "/none"));
  ASSERT_EQ(0, ::chdir(dir_.path().c_str()));
  EXPECT_EQ(dir_.path() + "/./tool", find_program("./tool"));
  ASSERT_EQ(0, ::chdir("/"));
}

TEST_F(FindProgramTest, AnEmptyDirectoryOfPathIsNotTheRoot) {
  MD_NEEDS("userns");
  testing::in_sandbox([] {
    testing::write_text("/tmp/tool", "");
    ::chmod("/tmp/tool", 0755);
    sys::chroot("/tmp").or_throw("chroot");
    ::setenv("PATH", "::/nowhere", 1);
    EXPECT_EQ(std::nullopt, find_program("tool"));
  });
}

TEST_F(FindProgramTest, NoneIsNothing) { EXPECT_EQ(std::nullopt, find_program("no-such-program")); }

}  // namespace
}  // namespace minidocker
