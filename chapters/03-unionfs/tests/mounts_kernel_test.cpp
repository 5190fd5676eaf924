#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/unionfs/bind.hpp"
#include "minidocker/unionfs/remount.hpp"
#include "minidocker/unionfs/tmpfs.hpp"
#include "steps.hpp"

namespace minidocker::unionfs {
namespace {

using minidocker::testing::in_sandbox;
using minidocker::testing::read_text;
using minidocker::testing::write_text;
using unionfs::testing::as_root_and_as_user;
using unionfs::testing::container_root;
using unionfs::testing::error_of;
using unionfs::testing::in_user_namespace;
using unionfs::testing::mode_of;
using unionfs::testing::mount_at;
using unionfs::testing::succeeds;

void make_source() {
  make_dirs("/tmp/src/sub");
  write_text("/tmp/src/file", "content");
}

TEST(BindMount, ShowsADirectoryInsideAndMakesTheDestination) {
  MD_NEEDS("root", "user", "userns");
  as_root_and_as_user([] {
    make_source();
    const int root = container_root();
    ASSERT_TRUE(succeeds(BindMount{&root, "/tmp/src", "/deep/down/data"}));
    EXPECT_EQ(read_text("/tmp/root/deep/down/data/file"), "content");
    EXPECT_FALSE(mount_at("/tmp/root/deep/down/data").has_option("ro"));
    EXPECT_EQ(mode_of("/tmp/root/deep/down"), 0755U);
  });
}

TEST(BindMount, ShowsAFileInsideAndMakesAnEmptyOneBelowIt) {
  MD_NEEDS("root", "user", "userns");
  as_root_and_as_user([] {
    make_source();
    const int root = container_root();
    ASSERT_TRUE(succeeds(BindMount{&root, "/tmp/src/file", "/etc/hosts"}));
    EXPECT_EQ(read_text("/tmp/root/etc/hosts"), "content");
    EXPECT_EQ(mount_at("/tmp/root/etc/hosts").target, "/tmp/root/etc/hosts");
  });
}

TEST(BindMount, IsReadOnlyFromItsFirstMoment) {
  MD_NEEDS("root", "user", "userns");
  as_root_and_as_user([] {
    make_source();
    const int root = container_root();
    BindMount step{&root, "/tmp/src", "/data"};
    step.attributes = to_attributes(MS_RDONLY | MS_NOEXEC, 0);
    ASSERT_TRUE(succeeds(step));
    const MountEntry entry = mount_at("/tmp/root/data");
    EXPECT_TRUE(entry.has_option("ro"));
    EXPECT_TRUE(entry.has_option("noexec"));
    EXPECT_FALSE(mount_at("/tmp").has_option("ro"));
  });
}

TEST(BindMount, TakesMountsBelowTheSourceOnlyIfToldTo) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_source();
    ASSERT_EQ(::mount("sub", "/tmp/src/sub", "tmpfs", 0, nullptr), 0);
    const int root = container_root();
    ASSERT_TRUE(succeeds(BindMount{&root, "/tmp/src", "/top"}));
    EXPECT_EQ(mount_at("/tmp/root/top/sub").target, "");
    ASSERT_TRUE(succeeds(BindMount{&root, "/tmp/src", "/tree", Recursion::tree}));
    EXPECT_EQ(mount_at("/tmp/root/tree/sub").source, "sub");
  });
}

TEST(BindMount, MakesTheTopOrTheWholeTreeReadOnly) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_source();
    ASSERT_EQ(::mount("sub", "/tmp/src/sub", "tmpfs", 0, nullptr), 0);
    const int root = container_root();
    BindMount step{&root, "/tmp/src", "/ro", Recursion::tree};
    step.attributes = to_attributes(MS_RDONLY, 0);
    ASSERT_TRUE(succeeds(step));
    EXPECT_TRUE(mount_at("/tmp/root/ro").has_option("ro"));
    EXPECT_FALSE(mount_at("/tmp/root/ro/sub").has_option("ro"));

    step = BindMount{&root, "/tmp/src", "/rro", Recursion::tree};
    step.tree_attributes = to_attributes(MS_RDONLY, 0);
    ASSERT_TRUE(succeeds(step));
    EXPECT_TRUE(mount_at("/tmp/root/rro/sub").has_option("ro"));
  });
}

TEST(BindMount, SetsThePropagationItIsToldTo) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_source();
    const int root = container_root();
    BindMount step{&root, "/tmp/src", "/shared"};
    step.propagation = MS_SHARED;
    ASSERT_TRUE(succeeds(step));
    EXPECT_TRUE(mount_at("/tmp/root/shared").is_shared());
    step = BindMount{&root, "/tmp/root/shared", "/private", Recursion::tree};
    step.propagation = MS_PRIVATE | MS_REC;
    ASSERT_TRUE(succeeds(step));
    EXPECT_FALSE(mount_at("/tmp/root/private").is_shared());
  });
}

TEST(BindMount, StaysInTheRootWhateverSymlinksSay) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_source();
    make_dirs("/tmp/outside");
    const int root = container_root();
    ASSERT_EQ(::symlink("/tmp/outside", "/tmp/root/link"), 0);
    ASSERT_TRUE(succeeds(BindMount{&root, "/tmp/src", "/link/data"}));
    EXPECT_EQ(mount_at("/tmp/root/tmp/outside/data").target, "/tmp/root/tmp/outside/data");
    EXPECT_NE(::access("/tmp/outside/data", F_OK), 0);
  });
}

TEST(BindMount, KeepsFlagsThatAUserNamespaceHasLockedAndCannotClearThem) {
  MD_NEEDS("root", "user", "userns");
  in_sandbox([] {
    // Not below /tmp: each sandbox has its own.
    ASSERT_EQ(::mount("locked", "/mnt", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=777"), 0);
    in_user_namespace([] {
      const int root = container_root();
      BindMount step{&root, "/mnt", "/data"};
      step.attributes = to_attributes(MS_RDONLY, 0);
      ASSERT_TRUE(succeeds(step));
      EXPECT_TRUE(mount_at("/tmp/root/data").has_option("noexec"));
      EXPECT_TRUE(mount_at("/tmp/root/data").has_option("ro"));
      step.attributes = to_attributes(0, MS_NOEXEC);
      EXPECT_EQ(error_of(step), EPERM);
    });
  });
}

TEST(BindMount, AnswersWhatIsWrong) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_source();
    const int root = container_root();
    make_dirs("/tmp/root/dir");
    write_text("/tmp/root/file", "");
    EXPECT_EQ(error_of(BindMount{&root, "/tmp/nowhere", "/dir"}), ENOENT);
    EXPECT_EQ(error_of(BindMount{&root, "/tmp/src", "/file"}), ENOTDIR);
    BindMount step{&root, "/tmp/src", "/dir"};
    step.tree_attributes.set = std::uint64_t{1} << 40U;
    EXPECT_EQ(error_of(step), EINVAL);
    step.tree_attributes = {};
    step.attributes.set = std::uint64_t{1} << 40U;
    EXPECT_EQ(error_of(step), EINVAL);
    EXPECT_EQ(mount_at("/tmp/root/dir").target, "");
  });
}

TEST(BindMount, TakesEachKindOfPropagation) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_source();
    const int root = container_root();
    struct Case {
      unsigned long propagation;
      const char* shown;  // an optional field of mountinfo; empty: none
    };
    ASSERT_EQ(::mount(nullptr, "/tmp", nullptr, MS_SHARED, nullptr), 0);
    for (const Case& each : {Case{MS_SHARED, "shared:"}, Case{MS_SLAVE, "master:"},
                             Case{MS_PRIVATE, ""}, Case{MS_UNBINDABLE, "unbindable"}}) {
      BindMount step{&root, "/tmp/src", "/data"};
      step.propagation = each.propagation;
      ASSERT_TRUE(succeeds(step));
      std::string line;
      for (const std::string& mount : minidocker::testing::mounts_of(::getpid())) {
        if (mount.find(" /tmp/root/data ") != std::string::npos) line = mount;
      }
      EXPECT_THAT(line, ::testing::HasSubstr(each.shown));
      for (const char* other : {"shared:", "master:", "unbindable"}) {
        const bool wanted = std::string(other) == each.shown;
        EXPECT_EQ(line.find(other) != std::string::npos, wanted) << line;
      }
      ASSERT_EQ(::umount("/tmp/root/data"), 0);
    }
  });
}

TEST(ChangeMount, MakesAMountReadOnlyInItsPlace) {
  MD_NEEDS("root");
  in_sandbox([] {
    const int root = container_root();
    ASSERT_TRUE(succeeds(MountTmpfs{&root, "/dev", 0, nullptr}));
    ASSERT_TRUE(succeeds(ChangeMount{&root, "/dev", to_attributes(MS_RDONLY, 0)}));
    EXPECT_TRUE(mount_at("/tmp/root/dev").has_option("ro"));
    const int dev = sys::open("/tmp/root/dev", O_PATH).or_throw().release();
    ASSERT_TRUE(succeeds(ChangeMount{&dev, nullptr, to_attributes(0, MS_RDONLY)}));
    EXPECT_FALSE(mount_at("/tmp/root/dev").has_option("ro"));
    EXPECT_EQ(error_of(ChangeMount{&root, "/none", to_attributes(MS_RDONLY, 0)}), ENOENT);
  });
}

TEST(ChangePropagation, ChangesWhoHearsOfMounts) {
  MD_NEEDS("root");
  in_sandbox([] {
    const int root = container_root();
    ASSERT_TRUE(succeeds(MountTmpfs{&root, "/mnt", 0, nullptr}));
    ASSERT_TRUE(succeeds(ChangePropagation{&root, "/mnt", MS_SHARED | MS_REC}));
    EXPECT_TRUE(mount_at("/tmp/root/mnt").is_shared());
    EXPECT_EQ(error_of(ChangePropagation{&root, "/none", MS_SHARED}), ENOENT);
  });
}

}  // namespace
}  // namespace minidocker::unionfs
