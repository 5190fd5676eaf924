#include "minidocker/toolbox/sys/tree.hpp"

#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

class SysTree : public ::testing::Test {
 protected:
  void make(const char* name) const {
    (void)sys::openat(dir(), name, O_WRONLY | O_CREAT, 0644).or_throw(name);
  }
  [[nodiscard]] int dir() const { return dir_.get(); }
  [[nodiscard]] struct stat status(const char* name) const {
    return sys::fstatat(dir(), name, AT_SYMLINK_NOFOLLOW).or_throw(name);
  }

  TempDir temp_;
  UniqueFd dir_ = sys::open(temp_.path().c_str(), O_RDONLY | O_DIRECTORY).or_throw("dir");
};

TEST_F(SysTree, DirectoriesAreMadeAndRemoved) {
  EXPECT_EQ(fmt::format("mkdirat({0}, \"a\", 0750)\nmkdirat({0}, \"a\", 0750) = EEXIST\n"
                        "unlinkat({0}, \"a\", AT_REMOVEDIR)\nunlinkat({0}, \"a\", 0) = ENOENT",
                        dir()),
            recorded([&] {
              (void)sys::mkdirat(dir(), "a", 0750);
              (void)sys::mkdirat(dir(), "a", 0750);
              (void)sys::unlinkat(dir(), "a", AT_REMOVEDIR);
              (void)sys::unlinkat(dir(), "a", 0);
            }));
}

TEST_F(SysTree, PathsFromTheWorkingDirectoryWorkToo) {
  const std::string path = temp_ / "b";
  EXPECT_TRUE(sys::mkdir(path.c_str(), 0700).ok());
  EXPECT_EQ(EISDIR, sys::unlink(path.c_str()).error());
  EXPECT_TRUE(sys::rmdir(path.c_str()).ok());
  EXPECT_EQ(ENOENT, sys::rmdir(path.c_str()).error());
}

TEST_F(SysTree, NodesAreMadeWithTypeModeAndDevice) {
  EXPECT_EQ(fmt::format("mknodat({0}, \"fifo\", S_IFIFO, 0600, 0x0)\n"
                        "mknodat({0}, \"fifo\", S_IFIFO, 0600, 0x0) = EEXIST",
                        dir()),
            recorded([&] {
              (void)sys::mknodat(dir(), "fifo", S_IFIFO | 0600, 0);
              (void)sys::mknodat(dir(), "fifo", S_IFIFO | 0600, 0);
            }));
  EXPECT_TRUE(S_ISFIFO(status("fifo").st_mode));
}

TEST_F(SysTree, DeviceNodesNeedPrivileges) {
  MD_NEEDS("root", "user");
  const std::string path = temp_.path();
  ASSERT_TRUE(sys::fchmod(dir(), 0777).ok());
  testing::in_sandbox(
      [this] {
        EXPECT_EQ(EPERM, sys::mknodat(dir(), "zero", S_IFCHR | 0600, makedev(1, 5)).error());
      },
      {.flags = 0, .as_user = true});
}

TEST_F(SysTree, DeviceNumbersThatTheKernelWouldCutAreRefused) {
  const mode_t mode = S_IFCHR | 0600;
  EXPECT_EQ(EINVAL, sys::mknodat(dir(), "n", mode, makedev(1U << 12, 0)).error());
  EXPECT_EQ(EINVAL, sys::mknodat(dir(), "n", mode, makedev(0, 1U << 20)).error());
  EXPECT_EQ(-1, ::access((temp_ / "n").c_str(), F_OK));
}

TEST_F(SysTree, LinksBothHardAndSymbolic) {
  make("a");
  EXPECT_EQ(
      fmt::format("symlinkat(\"a\", {0}, \"s\")\nsymlinkat(\"a\", {0}, \"s\") = EEXIST\n"
                  "linkat({0}, \"a\", {0}, \"h\", 0)\nlinkat({0}, \"no\", {0}, \"h\", 0) = ENOENT",
                  dir()),
      recorded([&] {
        (void)sys::symlinkat("a", dir(), "s");
        (void)sys::symlinkat("a", dir(), "s");
        (void)sys::linkat(dir(), "a", dir(), "h", 0);
        (void)sys::linkat(dir(), "no", dir(), "h", 0);
      }));
  EXPECT_EQ(2U, status("h").st_nlink);
}

TEST_F(SysTree, RenamesAndExchanges) {
  make("a");
  EXPECT_EQ(fmt::format("renameat2({0}, \"a\", {0}, \"b\", 0)\n"
                        "renameat2({0}, \"a\", {0}, \"b\", RENAME_EXCHANGE) = ENOENT",
                        dir()),
            recorded([&] {
              (void)sys::renameat2(dir(), "a", dir(), "b");
              (void)sys::renameat2(dir(), "a", dir(), "b", RENAME_EXCHANGE);
            }));
  make("c");
  EXPECT_EQ(EEXIST, sys::renameat2(dir(), "b", dir(), "c", RENAME_NOREPLACE).error());
}

TEST_F(SysTree, ModesAreChangedByDescriptorAndName) {
  make("a");
  const UniqueFd file = sys::openat(dir(), "a", O_RDONLY).or_throw("a");
  EXPECT_EQ(fmt::format("fchmod({}, 0600)\nfchmodat({}, \"no\", 0600) = ENOENT", file.get(), dir()),
            recorded([&] {
              (void)sys::fchmod(file.get(), 0600);
              (void)sys::fchmodat(dir(), "no", 0600);
            }));
  EXPECT_TRUE(sys::fchmodat(dir(), "a", 04755).ok());
  EXPECT_EQ(04755U, status("a").st_mode & 07777);
  EXPECT_EQ(EBADF, sys::fchmod(-1, 0).error());
}

TEST_F(SysTree, OwnersAreChangedByName) {
  make("a");
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  EXPECT_EQ(fmt::format("fchownat({0}, \"a\", {1}, {2}, AT_SYMLINK_NOFOLLOW)\n"
                        "fchownat({0}, \"no\", {1}, {2}, 0) = ENOENT",
                        dir(), uid, gid),
            recorded([&] {
              (void)sys::fchownat(dir(), "a", uid, gid, AT_SYMLINK_NOFOLLOW);
              (void)sys::fchownat(dir(), "no", uid, gid, 0);
            }));
}

TEST_F(SysTree, TimesAreSetByDescriptorAndName) {
  make("a");
  const struct timespec times[2] = {{1, 0}, {1'700'000'000, 5}};
  EXPECT_EQ(fmt::format("utimensat({0}, \"a\", 1700000000, 0)\n"
                        "utimensat({0}, \"no\", 1700000000, AT_SYMLINK_NOFOLLOW) = ENOENT",
                        dir()),
            recorded([&] {
              (void)sys::utimensat(dir(), "a", times, 0);
              (void)sys::utimensat(dir(), "no", times, AT_SYMLINK_NOFOLLOW);
            }));
  EXPECT_EQ(1'700'000'000, status("a").st_mtim.tv_sec);
  const UniqueFd file = sys::openat(dir(), "a", O_RDONLY).or_throw("a");
  EXPECT_TRUE(sys::futimens(file.get(), nullptr).ok());
  EXPECT_LT(1'700'000'000, status("a").st_mtim.tv_sec);
  EXPECT_EQ(EBADF, sys::futimens(-1, times).error());
}

TEST_F(SysTree, ExtendedAttributesAreSetAndRead) {
  make("a");
  const std::string path = temp_ / "a";
  const UniqueFd file = sys::openat(dir(), "a", O_RDWR).or_throw("a");
  if (sys::setxattr(path.c_str(), "user.one", "1", 1).error() == EOPNOTSUPP) {
    GTEST_SKIP() << "the filesystem of TMPDIR has no user attributes";
  }
  EXPECT_TRUE(sys::lsetxattr(path.c_str(), "user.two", "22", 2).ok());
  EXPECT_TRUE(sys::fsetxattr(file.get(), "user.three", "333", 3).ok());
  char value[8] = {};
  EXPECT_EQ(2U, sys::fgetxattr(file.get(), "user.two", value, sizeof(value)).or_throw(path));
  EXPECT_STREQ("22", value);
  EXPECT_EQ(3U, sys::fgetxattr(file.get(), "user.three", value, 0).or_throw(path));
  EXPECT_EQ(1U, sys::lgetxattr(path.c_str(), "user.one", value, sizeof(value)).or_throw(path));
  char names[64] = {};
  EXPECT_EQ(29U, sys::llistxattr(path.c_str(), names, sizeof(names)).or_throw(path));
  EXPECT_NE(std::string(names, 29).find(std::string("user.two\0", 9)), std::string::npos);
  EXPECT_TRUE(sys::removexattr(path.c_str(), "user.two").ok());
  EXPECT_EQ(ENODATA, sys::removexattr(path.c_str(), "user.two").error());
}

TEST_F(SysTree, MissingAttributesAndFilesAreTold) {
  make("a");
  const std::string no = temp_ / "no";
  const UniqueFd file = sys::openat(dir(), "a", O_RDWR).or_throw("a");
  EXPECT_EQ(fmt::format("setxattr(\"{0}\", \"user.x\", \"v\", 1) = ENOENT\n"
                        "lsetxattr(\"{0}\", \"user.x\", \"v\", 1) = ENOENT\n"
                        "fsetxattr({1}, \"nonsense\", \"v\", 1) = EOPNOTSUPP\n"
                        "fgetxattr({1}, \"user.none\", 0) = ENODATA\n"
                        "lgetxattr(\"{0}\", \"user.x\", 0) = ENOENT\n"
                        "llistxattr(\"{0}\", 0) = ENOENT",
                        no, file.get()),
            recorded([&] {
              (void)sys::setxattr(no.c_str(), "user.x", "v", 1);
              (void)sys::lsetxattr(no.c_str(), "user.x", "v", 1);
              (void)sys::fsetxattr(file.get(), "nonsense", "v", 1);
              (void)sys::fgetxattr(file.get(), "user.none", nullptr, 0);
              (void)sys::lgetxattr(no.c_str(), "user.x", nullptr, 0);
              (void)sys::llistxattr(no.c_str(), nullptr, 0);
            }));
}

TEST_F(SysTree, TheWorkingDirectoryIsChangedAndTold) {
  testing::in_child([this] {
    char buffer[PATH_MAX];
    EXPECT_TRUE(sys::fchdir(dir()).ok());
    EXPECT_EQ(temp_.path().size() + 1, sys::getcwd(buffer, sizeof(buffer)).or_throw("cwd"));
    EXPECT_EQ(temp_.path(), buffer);
    EXPECT_TRUE(sys::chdir("/").ok());
    EXPECT_EQ("chdir(\"/no/such\") = ENOENT\nfchdir(-1) = EBADF\ngetcwd(1) = ERANGE", recorded([&] {
                (void)sys::chdir("/no/such");
                (void)sys::fchdir(-1);
                (void)sys::getcwd(buffer, 1);
              }));
  });
}

TEST_F(SysTree, TheMaskBeforeIsAnswered) {
  testing::in_child([] {
    EXPECT_EQ("umask(027)", recorded([] { (void)sys::umask(027); }));
    EXPECT_EQ(027U, sys::umask(022).or_throw("umask"));
  });
}

}  // namespace
}  // namespace minidocker
