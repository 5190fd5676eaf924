#include "minidocker/toolbox/safe_path.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker {
namespace {

using testing::link_target;
using testing::write_text;

/// A root with a secret beside it that no path may reach.
class SafePath : public ::testing::Test {
 protected:
  void SetUp() override {
    make_dirs(temp_ / "root/etc");
    write_text(temp_ / "root/etc/passwd", "inside");
    make_dirs(temp_ / "etc");
    write_text(temp_ / "etc/passwd", "outside");
    root_ = sys::open((temp_ / "root").c_str(), O_PATH | O_DIRECTORY).or_throw("root");
  }
  void link(const char* target, const char* name) const {
    sys::symlinkat(target, root_.get(), name).or_throw(name);
  }
  /// What a read of `path` inside of the root gives.
  [[nodiscard]] std::string read(const char* path) const {
    const sys::Result<UniqueFd> file = open_in_root(root_.get(), path, O_RDONLY);
    return file ? read_all(file.value().get(), path) : errno_name(file.error());
  }
  /// Where in the root an opened file lies.
  [[nodiscard]] std::string place(const sys::Result<UniqueFd>& file) const {
    if (!file) return errno_name(file.error());
    const std::string where = link_target(FdPath(file.value().get()).c_str());
    const std::string root = temp_ / "root";
    return where.rfind(root, 0) == 0 ? where.substr(root.size()) : "outside: " + where;
  }

  TempDir temp_;
  UniqueFd root_;
};

TEST_F(SafePath, DescriptorsHavePaths) {
  EXPECT_STREQ("/proc/self/fd/7", FdPath(7).c_str());
  EXPECT_STREQ("/proc/self/fd/2147483647", FdPath(INT_MAX).c_str());
  EXPECT_EQ(temp_ / "root", link_target(FdPath(root_.get()).c_str()));
}

TEST_F(SafePath, DotsAndAbsolutePathsStayInside) {
  EXPECT_EQ("inside", read("etc/passwd"));
  EXPECT_EQ("inside", read("/etc/passwd"));
  EXPECT_EQ("inside", read("../../../../../../etc/passwd"));
  EXPECT_EQ("inside", read("etc/../../etc/passwd"));
}

TEST_F(SafePath, LinksStayInside) {
  link("/etc/passwd", "absolute");
  link("../../../../../../../../etc/passwd", "climbing");
  link("/", "slash");
  link("/proc/self/root", "magic");
  EXPECT_EQ("inside", read("absolute"));
  EXPECT_EQ("inside", read("climbing"));
  EXPECT_EQ("inside", read("slash/etc/passwd"));
  EXPECT_EQ("ENOENT", read("magic/etc/passwd"));
}

TEST_F(SafePath, ALoopOfLinksIsRefused) {
  link("two", "one");
  link("one", "two");
  EXPECT_EQ("ELOOP", read("one"));
  EXPECT_EQ("ELOOP", place(make_dirs_in_root(root_.get(), "one/dir", 0755)));
  EXPECT_EQ("ELOOP", place(make_file_in_root(root_.get(), "one", 0644)));
}

TEST_F(SafePath, MagicLinksOfProcAreRefused) {
  const UniqueFd proc = sys::open("/proc", O_PATH | O_DIRECTORY).or_throw("/proc");
  EXPECT_EQ(ELOOP, open_in_root(proc.get(), "self/root", O_PATH).error());
}

TEST_F(SafePath, ARenameBackAndForthNeverLeadsOutside) {
  // The classic race: "dir" is a directory when it is checked and a link to the outside when it is
  // used. A child exchanges both as fast as it can.
  make_dirs(temp_ / "root/dir/etc");
  write_text(temp_ / "root/dir/etc/passwd", "inside");
  link("../..", "out");
  sys::Cloned attacker = sys::clone3({}).or_throw("clone3");
  if (attacker.pid == 0) {
    for (;;) {
      (void)sys::renameat2(root_.get(), "dir", root_.get(), "out", RENAME_EXCHANGE);
    }
  }
  const Process guard(attacker.pid, std::move(attacker.pidfd));
  for (int i = 0; i < 5000; ++i) {
    const std::string seen = read("dir/etc/passwd");
    ASSERT_TRUE(seen == "inside" || seen == "EAGAIN" || seen == "ENOENT") << seen;
    const std::string made = place(make_dirs_in_root(root_.get(), "dir/a/b", 0755));
    ASSERT_FALSE(made.starts_with("outside")) << made;
  }
  EXPECT_FALSE(exists(temp_ / "a")) << "a directory was made outside";
}

TEST_F(SafePath, DirectoriesAreMadeComponentByComponent) {
  EXPECT_EQ("/a/b/c", place(make_dirs_in_root(root_.get(), "/a//b/./c/", 0750)));
  EXPECT_EQ("/a/b/c", place(make_dirs_in_root(root_.get(), "a/b/c", 0700)));
  EXPECT_EQ(0750U, sys::fstatat(root_.get(), "a/b", 0).or_throw("b").st_mode & 07777);
  EXPECT_EQ("", place(make_dirs_in_root(root_.get(), "/", 0755)));
  EXPECT_EQ("", place(make_dirs_in_root(root_.get(), "", 0755)));
}

TEST_F(SafePath, DotsInNewPathsMeanWhatTheyMeanToTheKernel) {
  EXPECT_EQ("/y", place(make_dirs_in_root(root_.get(), "x/../../../y", 0755)));
  EXPECT_TRUE(exists(temp_ / "root/x"));
  EXPECT_FALSE(exists(temp_ / "y"));
}

TEST_F(SafePath, AFileInTheWayIsNoDirectory) {
  EXPECT_EQ("ENOTDIR", place(make_dirs_in_root(root_.get(), "etc/passwd", 0755)));
  EXPECT_EQ("ENOTDIR", place(make_dirs_in_root(root_.get(), "etc/passwd/below", 0755)));
}

TEST_F(SafePath, DanglingLinksAreFollowedInsideTheRoot) {
  link("/run/lock", "absolute");
  link("../../../made/by/link", "etc/climbing");
  EXPECT_EQ("/run/lock/dir", place(make_dirs_in_root(root_.get(), "absolute/dir", 0755)));
  EXPECT_EQ("/made/by/link", place(make_dirs_in_root(root_.get(), "etc/climbing", 0755)));
  EXPECT_FALSE(exists(temp_ / "made"));
}

TEST_F(SafePath, FilesAreMadeWithTheirParentsAndLeftAloneIfThere) {
  EXPECT_EQ("/run/secrets/key", place(make_file_in_root(root_.get(), "/run/secrets/key", 0600)));
  EXPECT_EQ(0600U, sys::fstatat(root_.get(), "run/secrets/key", 0).or_throw("key").st_mode & 07777);
  EXPECT_EQ("/etc/passwd", place(make_file_in_root(root_.get(), "etc/passwd", 0600)));
  EXPECT_EQ("inside", read("etc/passwd"));
}

TEST_F(SafePath, AFileBehindADanglingLinkIsMadeWhereItPoints) {
  link("../run/resolv.conf", "etc/resolv.conf");
  EXPECT_EQ("/run/resolv.conf", place(make_file_in_root(root_.get(), "/etc/resolv.conf", 0644)));
}

TEST_F(SafePath, WhatIsNoNameOfAFileIsRefused) {
  EXPECT_EQ("EINVAL", place(make_file_in_root(root_.get(), "new/..", 0644)).substr(0, 6));
  EXPECT_EQ(EINVAL, open_parent_in_root(root_.get(), "/").error());
  EXPECT_EQ(EINVAL, open_parent_in_root(root_.get(), "").error());
  EXPECT_EQ(EINVAL, open_parent_in_root(root_.get(), "etc/.").error());
  EXPECT_EQ(EINVAL, open_parent_in_root(root_.get(), "etc/..").error());
  EXPECT_EQ(ENOENT, open_parent_in_root(root_.get(), "no/name").error());
}

TEST_F(SafePath, AParentIsOpenedAndTheNameKept) {
  const ParentAndName split = open_parent_in_root(root_.get(), "/../etc/passwd/").or_throw("etc");
  EXPECT_STREQ("passwd", split.name.data());
  EXPECT_TRUE(sys::fstatat(split.parent.get(), split.name.data(), 0).ok());
  const ParentAndName top = open_parent_in_root(root_.get(), "etc").or_throw("etc");
  EXPECT_STREQ("etc", top.name.data());
}

TEST_F(SafePath, PathsAndNamesThatAreTooLongAreRefused) {
  const std::string name(256, 'x');
  EXPECT_EQ(ENAMETOOLONG, open_parent_in_root(root_.get(), name.c_str()).error());
  EXPECT_EQ("ENAMETOOLONG", place(make_file_in_root(root_.get(), name.c_str(), 0644)));
  std::string path;
  while (path.size() < 5000) path += "directory/";
  EXPECT_EQ("ENAMETOOLONG", place(make_dirs_in_root(root_.get(), path.c_str(), 0755)));
  EXPECT_EQ("ENAMETOOLONG", place(make_file_in_root(root_.get(), path.c_str(), 0644)));
  EXPECT_EQ(ENAMETOOLONG, open_parent_in_root(root_.get(), path.c_str()).error());
}

TEST_F(SafePath, ALinkThatMakesThePathTooLongIsRefused) {
  std::string target;
  while (target.size() < 4000) target += "directory/";
  link(target.c_str(), "long");
  const std::string path = "long/" + std::string(200, 'y');
  EXPECT_EQ("ENAMETOOLONG", place(make_dirs_in_root(root_.get(), path.c_str(), 0755)));
}

TEST_F(SafePath, WhereNothingMayBeMadeTheKernelsErrorIsToldAsItIs) {
  const UniqueFd proc = sys::open("/proc/self", O_PATH | O_DIRECTORY).or_throw("/proc/self");
  EXPECT_EQ(ENOENT, make_dirs_in_root(proc.get(), "new/dir", 0755).error());
  EXPECT_EQ(ENOENT, make_file_in_root(proc.get(), "new-file", 0644).error());
}

}  // namespace
}  // namespace minidocker
