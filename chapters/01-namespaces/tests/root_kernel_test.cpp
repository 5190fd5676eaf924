#include "minidocker/namespaces/root.hpp"

#include <linux/sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/namespaces/create.hpp"
#include "minidocker/namespaces/propagation.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::in_sandbox;
using minidocker::testing::mount_points_of;
using namespaces::testing::error_of;
using namespaces::testing::succeeds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr const char* kRoot = "/tmp/root";

/// A directory with a file by which it is known again.
void make_root() {
  make_dirs(kRoot);
  make_dirs("/tmp/root/proc");
  minidocker::testing::write_text("/tmp/root/marker", "here");
}

void mount_tmpfs(const char* target) {
  make_dirs(target);
  sys::mount("tmpfs", target, "tmpfs", 0, nullptr).or_throw(target);
}

TEST(PivotRoot, LeavesNothingOfTheOldTree) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_root();
    int root = -1;
    ASSERT_TRUE(succeeds(BindRoot{kRoot}));
    ASSERT_TRUE(succeeds(OpenRoot{kRoot, &root}));
    mount_tmpfs("/tmp/root/kept");
    sys::mount("proc", "/tmp/root/proc", "proc", 0, nullptr).or_throw("proc");
    ASSERT_TRUE(succeeds(PivotRoot{&root}));
    EXPECT_EQ(read_file("/marker"), "here");
    EXPECT_THAT(mount_points_of(::getpid()), ElementsAre("/", "/kept", "/proc"));
    char where[64] = {};
    EXPECT_STREQ(::getcwd(where, sizeof(where)), "/");
  });
}

TEST(PivotRoot, TheSlotIsStillTheRoot) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_root();
    int root = -1;
    ASSERT_TRUE(succeeds(BindRoot{kRoot}));
    ASSERT_TRUE(succeeds(OpenRoot{kRoot, &root}));
    ASSERT_TRUE(succeeds(PivotRoot{&root}));
    const struct stat by_slot = sys::fstat(root).or_throw();
    const struct stat by_path = sys::fstatat(AT_FDCWD, "/", 0).or_throw();
    EXPECT_EQ(by_slot.st_ino, by_path.st_ino);
    EXPECT_EQ(by_slot.st_dev, by_path.st_dev);
  });
}

TEST(PivotRoot, WhatIsNoMountPointIsEINVAL) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_root();
    int root = -1;
    ASSERT_TRUE(succeeds(OpenRoot{kRoot, &root}));
    EXPECT_EQ(error_of(PivotRoot{&root}), EINVAL);
  });
}

TEST(PivotRoot, ASharedParentIsEINVALUnlessBindRootMakesItPrivate) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_root();
    int root = -1;
    ASSERT_TRUE(succeeds(SetPropagation{"/tmp", MS_SHARED}));
    EXPECT_EQ(find_shared_parent(read_mountinfo(), kRoot), "/tmp");
    ASSERT_TRUE(succeeds(BindRoot{kRoot}));
    ASSERT_TRUE(succeeds(OpenRoot{kRoot, &root}));
    EXPECT_EQ(error_of(PivotRoot{&root}), EINVAL);
    ::close(root);
    sys::umount2(kRoot, MNT_DETACH).or_throw(kRoot);
    ASSERT_TRUE(succeeds(BindRoot{kRoot, "/tmp"}));
    ASSERT_TRUE(succeeds(OpenRoot{kRoot, &root}));
    EXPECT_TRUE(succeeds(PivotRoot{&root}));
  });
}

/// A mount namespace whose mounts are all peers of ours, and in it a pivot; then our mounts.
std::vector<std::string> mounts_after_pivot(OldRoot old_root) {
  make_root();
  mount_tmpfs("/tmp/precious");
  if (!succeeds(SetPropagation{"/", MS_REC | MS_SHARED})) return {"sharing failed"};
  const sys::Cloned child = sys::clone3({.flags = CLONE_NEWNS}).or_throw();
  if (child.pid == 0) {
    int root = -1;
    const bool good = succeeds(SetPropagation{"/tmp", MS_PRIVATE}) && succeeds(BindRoot{kRoot}) &&
                      succeeds(OpenRoot{kRoot, &root}) && succeeds(PivotRoot{&root, old_root});
    sys::exit_group(good ? 0 : 1);
  }
  EXPECT_EQ(sys::wait_pidfd(child.pidfd.get(), WEXITED).or_throw().si_status, 0);
  return mount_points_of(::getpid());
}

TEST(PivotRoot, OfASharedTreeUnmountsTheHostsMountsUnlessItIsMadeSlave) {
  MD_NEEDS("root");
  in_sandbox([] {
    EXPECT_THAT(mounts_after_pivot(OldRoot::shared),
                IsSupersetOf({"/proc", "/sys", "/dev/pts", "/tmp/precious"}));
  });
}

TEST(PivotRoot, OfASharedTreeThatIsTakenForASlaveIsHeardOutside) {
  MD_NEEDS("root");
  // Reading /proc afterwards would fail, as it is gone: the mount is looked for by its effect.
  in_sandbox([] {
    EXPECT_THROW((void)mounts_after_pivot(OldRoot::slave), std::runtime_error);
    EXPECT_FALSE(exists("/proc/self"));
  });
}

TEST(OpenRoot, AFileIsNoRoot) {
  MD_NEEDS("root");
  in_sandbox([] {
    minidocker::testing::write_text("/tmp/file", "");
    int root = -1;
    EXPECT_EQ(error_of(OpenRoot{"/tmp/file", &root}), ENOTDIR);
    EXPECT_EQ(error_of(OpenRoot{"/tmp/missing", &root}), ENOENT);
    EXPECT_EQ(root, -1);
  });
}

TEST(BindRoot, NeedsPrivileges) {
  MD_NEEDS("user");
  namespaces::testing::as_user([] {
    EXPECT_EQ(error_of(BindRoot{"/tmp"}), EPERM);
    EXPECT_EQ(error_of(BindRoot{"/tmp", "/"}), EPERM);
  });
}

TEST(MoveRoot, CoversTheOldTreeAndRemovesItsProc) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_root();
    int root = -1;
    ASSERT_TRUE(succeeds(BindRoot{kRoot}));
    ASSERT_TRUE(succeeds(OpenRoot{kRoot, &root}));
    sys::mount("proc", "/tmp/root/proc", "proc", 0, nullptr).or_throw("proc");
    const std::vector<std::string> unwanted = full_kernel_mounts(read_mountinfo(), kRoot);
    ASSERT_THAT(unwanted, Contains("/sys"));
    std::vector<const char*> pointers;
    for (const std::string& target : unwanted) pointers.push_back(target.c_str());
    ASSERT_TRUE(succeeds(MoveRoot{&root, pointers.data(), pointers.size()}));
    EXPECT_EQ(read_file("/marker"), "here");
    EXPECT_THAT(full_kernel_mounts(read_mountinfo(), "/nowhere"), ElementsAre("/proc"));
  });
}

TEST(MoveRoot, CoversWhatAUserNamespaceMayNotUnmount) {
  MD_NEEDS("user", "userns");
  namespaces::testing::as_user([] {
    in_sandbox(
        [] {
          make_root();
          int root = -1;
          ASSERT_TRUE(succeeds(BindRoot{kRoot}));
          ASSERT_TRUE(succeeds(OpenRoot{kRoot, &root}));
          const char* const unwanted[] = {"/sys"};
          EXPECT_EQ(sys::umount2("/sys", MNT_DETACH).error(), EINVAL) << "it is locked";
          ASSERT_TRUE(succeeds(MoveRoot{&root, unwanted, 1}));
          EXPECT_EQ(read_file("/marker"), "here");
        },
        {.flags = CLONE_NEWNS});
  });
}

TEST(Propagation, APrivateMountIsNotHeardOutsideASharedOneIs) {
  MD_NEEDS("root");
  in_sandbox([] {
    mount_tmpfs("/tmp/shared");
    mount_tmpfs("/tmp/private");
    ASSERT_TRUE(succeeds(SetPropagation{"/tmp/shared", MS_SHARED}));
    ASSERT_TRUE(succeeds(SetPropagation{"/tmp/private", MS_SHARED}));
    const sys::Cloned child = sys::clone3({.flags = CLONE_NEWNS}).or_throw();
    if (child.pid == 0) {
      const bool good = succeeds(SetPropagation{"/tmp/private", MS_PRIVATE});
      mount_tmpfs("/tmp/shared/new");
      mount_tmpfs("/tmp/private/new");
      sys::exit_group(good ? 0 : 1);
    }
    EXPECT_EQ(sys::wait_pidfd(child.pidfd.get(), WEXITED).or_throw().si_status, 0);
    EXPECT_THAT(mount_points_of(::getpid()), Contains("/tmp/shared/new"));
    EXPECT_THAT(mount_points_of(::getpid()), Not(Contains("/tmp/private/new")));
  });
}

TEST(Propagation, OfWhatIsNoMountPointIsEINVAL) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_root();
    EXPECT_EQ(error_of(SetPropagation{kRoot, MS_PRIVATE}), EINVAL);
    EXPECT_EQ(error_of(SetPropagation{"/tmp/missing", MS_PRIVATE}), ENOENT);
  });
}

}  // namespace
}  // namespace minidocker::namespaces
