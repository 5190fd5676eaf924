#include "minidocker/toolbox/temp_dir.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker {
namespace {

TEST(TempDir, IsPrivateAndGoneWithAllItHolds) {
  std::string path;
  {
    const TempDir dir;
    path = dir.path();
    EXPECT_EQ(0700U, sys::fstatat(AT_FDCWD, path.c_str(), 0).or_throw(path).st_mode & 07777);
    EXPECT_EQ(path + "/a", dir / "a");
    testing::write_text(dir / "a", "x");
  }
  EXPECT_FALSE(exists(path));
}

TEST(TempDir, TwoAreNeverTheSame) {
  const TempDir first;
  const TempDir second;
  EXPECT_NE(first.path(), second.path());
}

TEST(TempDir, IsMadeWhereToldOrWhereTmpdirSays) {
  const TempDir outer;
  const TempDir inner(outer.path());
  EXPECT_EQ(0U, inner.path().find(outer.path() + "/mini-docker-"));
  testing::in_child([&outer] {
    ::setenv("TMPDIR", outer.path().c_str(), 1);
    EXPECT_EQ(0U, TempDir().path().find(outer.path() + "/"));
    ::setenv("TMPDIR", "relative/is/ignored", 1);
    EXPECT_EQ(0U, TempDir().path().find("/tmp/"));
  });
}

TEST(TempDir, MovesAndReleases) {
  TempDir first;
  const std::string path = first.path();
  TempDir second(std::move(first));
  TempDir third;
  const std::string old = third.path();
  third = std::move(second);
  EXPECT_FALSE(exists(old));
  EXPECT_EQ(path, third.release());
  {
    const TempDir gone(std::move(third));
  }
  EXPECT_TRUE(exists(path));
  remove_tree(path);
}

TEST(TempDir, StaysWhenAChildLetsItGo) {
  TempDir dir;
  testing::in_child([&dir] { const TempDir mine(std::move(dir)); });
  EXPECT_TRUE(exists(dir.path()));
}

TEST(TempDir, SaysWhereItCouldNotBeMade) {
  try {
    const TempDir dir("/no/such/place");
    FAIL() << "made " << dir.path();
  } catch (const SystemError& error) {
    EXPECT_NE(std::string::npos, std::string(error.what()).find("/no/such/place/mini-docker-"));
  }
}

TEST(TempDir, ADestructorThatCannotRemoveSaysSoAndDoesNotThrow) {
  MD_NEEDS("userns");
  testing::in_sandbox([] {
    ::testing::internal::CaptureStderr();
    {
      const TempDir dir;
      make_dirs(dir / "busy");
      sys::mount("none", (dir / "busy").c_str(), "tmpfs", 0, nullptr).or_throw("busy");
    }
    const std::string told = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(std::string::npos, told.find("something is mounted there")) << told;
  });
}

}  // namespace
}  // namespace minidocker
