#include "minidocker/toolbox/sys/mount.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

using testing::in_sandbox;

/// The mount at `target`, as the kernel lists it; a default one if there is none.
MountEntry mount_at(const std::string& target) {
  const std::vector<MountEntry> mounts = read_mountinfo();
  const MountEntry* mount = find_mount(mounts, target);
  return mount != nullptr && mount->target == target ? *mount : MountEntry{};
}

void make_dir(const char* path) { sys::mkdir(path, 0755).or_throw(path); }

TEST(SysMount, MountsAndUnmounts) {
  MD_NEEDS("userns");
  in_sandbox([] {
    make_dir("/tmp/m");
    EXPECT_EQ("mount(\"box\", \"/tmp/m\", \"tmpfs\", MS_NOSUID|MS_NODEV, \"size=1m\")",
              recorded([] {
                (void)sys::mount("box", "/tmp/m", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m");
              }));
    EXPECT_EQ("tmpfs", mount_at("/tmp/m").type);
    EXPECT_TRUE(mount_at("/tmp/m").has_option("nosuid"));
    EXPECT_EQ(
        "umount2(\"/tmp/m\", MNT_DETACH|UMOUNT_NOFOLLOW)\n"
        "umount2(\"/tmp/m\", MNT_DETACH|UMOUNT_NOFOLLOW) = EINVAL",
        recorded([] {
          (void)sys::umount2("/tmp/m", MNT_DETACH | UMOUNT_NOFOLLOW);
          (void)sys::umount2("/tmp/m", MNT_DETACH | UMOUNT_NOFOLLOW);
        }));
  });
}

TEST(SysMount, TellsNullArgumentsAndErrors) {
  MD_NEEDS("userns");
  in_sandbox([] {
    EXPECT_EQ("mount(NULL, \"/no\", \"nofs\", MS_BIND|MS_REC, NULL) = ENOENT", recorded([] {
                (void)sys::mount(nullptr, "/no", "nofs", MS_REC | MS_BIND, nullptr);
              }));
    EXPECT_EQ(ENODEV, sys::mount("x", "/tmp", "nofs", 0, nullptr).error());
  });
}

TEST(SysMount, WithoutPrivilegesNothingIsMounted) {
  MD_NEEDS("root", "user");
  in_sandbox(
      [] {
        EXPECT_EQ(EPERM, sys::mount("x", "/tmp", "tmpfs", 0, nullptr).error());
        EXPECT_EQ(EPERM, sys::umount2("/proc", 0).error());
        EXPECT_EQ("pivot_root(\".\", \".\") = EPERM\nchroot(\"/tmp\") = EPERM", recorded([] {
                    (void)sys::pivot_root(".", ".");
                    (void)sys::chroot("/tmp");
                  }));
        EXPECT_EQ(EPERM, sys::fsopen("tmpfs").error());
      },
      {.flags = 0, .as_user = true});
}

TEST(SysMount, TheRootIsExchanged) {
  MD_NEEDS("userns");
  in_sandbox([] {
    make_dir("/tmp/root");
    sys::mount("root", "/tmp/root", "tmpfs", 0, nullptr).or_throw("root");
    make_dir("/tmp/root/inside");
    sys::chdir("/tmp/root").or_throw("root");
    EXPECT_EQ("pivot_root(\".\", \".\")", recorded([] { (void)sys::pivot_root(".", "."); }));
    sys::umount2(".", MNT_DETACH).or_throw("old root");
    sys::chdir("/").or_throw("/");
    EXPECT_TRUE(sys::fstatat(AT_FDCWD, "/inside", 0).ok());
  });
}

TEST(SysMount, ChrootChangesOneProcessOnly) {
  MD_NEEDS("userns");
  in_sandbox([] {
    make_dir("/tmp/root");
    make_dir("/tmp/root/inside");
    EXPECT_TRUE(sys::chroot("/tmp/root").ok());
    EXPECT_TRUE(sys::fstatat(AT_FDCWD, "/inside", 0).ok());
    char cwd[PATH_MAX] = {};
    EXPECT_TRUE(sys::getcwd(cwd, sizeof(cwd)).ok());
    EXPECT_EQ(0U, std::string(cwd).find("(unreachable)")) << "the working directory stays outside";
  });
}

TEST(SysMount, AFilesystemIsMadeInSteps) {
  MD_NEEDS("userns");
  in_sandbox([] {
    make_dir("/tmp/m");
    const std::string told = recorded([] {
      const UniqueFd fs = sys::fsopen("tmpfs").or_throw("tmpfs");
      sys::fsconfig_string(fs.get(), "size", "1m").or_throw("size");
      sys::fsconfig_flag(fs.get(), "ro").or_throw("ro");
      sys::fsconfig_create(fs.get()).or_throw("create");
      const UniqueFd mount = sys::fsmount(fs.get(), MOUNT_ATTR_NODEV).or_throw("fsmount");
      EXPECT_TRUE(testing::is_close_on_exec(::getpid(), fs.get()));
      EXPECT_TRUE(testing::is_close_on_exec(::getpid(), mount.get()));
      sys::move_mount(mount.get(), "", AT_FDCWD, "/tmp/m", MOVE_MOUNT_F_EMPTY_PATH)
          .or_throw("/tmp/m");
    });
    for (const char* part :
         {"fsopen(\"tmpfs\", FSOPEN_CLOEXEC)", "FSCONFIG_SET_STRING, \"size\", \"1m\")",
          "FSCONFIG_SET_FLAG, \"ro\", NULL)", "FSCONFIG_CMD_CREATE, NULL, NULL)",
          "FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV)",
          ", \"\", AT_FDCWD, \"/tmp/m\", MOVE_MOUNT_F_EMPTY_PATH)"}) {
      EXPECT_NE(std::string::npos, told.find(part)) << part << " is not in\n" << told;
    }
    EXPECT_TRUE(mount_at("/tmp/m").has_option("nodev"));
  });
}

TEST(SysMount, WrongFilesystemOptionsAreRefused) {
  MD_NEEDS("userns");
  in_sandbox([] {
    const UniqueFd fs = sys::fsopen("tmpfs").or_throw("tmpfs");
    EXPECT_EQ(ENODEV, sys::fsopen("nofs").error());
    EXPECT_EQ(EINVAL, sys::fsconfig_string(fs.get(), "colour", "red").error());
    EXPECT_EQ(EINVAL, sys::fsconfig_flag(fs.get(), "colour").error());
    EXPECT_EQ(EBADF, sys::fsconfig_create(999'999).error());
    EXPECT_EQ(EINVAL, sys::fsmount(fs.get(), 0).error()) << "not created yet";
    const std::string too_long(256, 'x');
    EXPECT_EQ(EINVAL, sys::fsconfig_string(fs.get(), "source", too_long.c_str()).error());
  });
}

TEST(SysMount, IdsOfAMountAreMappedByAUserNamespaceOrItIsToldWhy) {
  MD_NEEDS("userns");
  in_sandbox([] {
    const UniqueFd tree = sys::open_tree(AT_FDCWD, "/tmp", OPEN_TREE_CLONE).or_throw("tmp");
    const UniqueFd self = sys::open("/proc/self/ns/uts", O_RDONLY).or_throw("self");
    EXPECT_EQ(fmt::format("mount_setattr({}, \"\", AT_EMPTY_PATH|AT_RECURSIVE, "
                          "{{attr_set=MOUNT_ATTR_IDMAP, userns_fd={}}}) = EINVAL",
                          tree.get(), self.get()),
              recorded([&] { (void)sys::map_mount_ids(tree.get(), AT_RECURSIVE, self.get()); }));
  });
}

TEST(SysMount, ATreeIsClonedAndItsAttributesChanged) {
  MD_NEEDS("userns");
  in_sandbox([] {
    make_dir("/tmp/from");
    make_dir("/tmp/to");
    sys::mount("box", "/tmp/from", "tmpfs", 0, nullptr).or_throw("from");
    const UniqueFd tree = sys::open_tree(AT_FDCWD, "/tmp/from", OPEN_TREE_CLONE).or_throw("from");
    EXPECT_TRUE(testing::is_close_on_exec(::getpid(), tree.get()));
    EXPECT_EQ(fmt::format("mount_setattr({0}, \"\", AT_EMPTY_PATH, {{attr_set=MOUNT_ATTR_RDONLY, "
                          "attr_clr=0, propagation=MS_PRIVATE}})\n"
                          "move_mount({0}, \"\", AT_FDCWD, \"/tmp/to\", MOVE_MOUNT_F_EMPTY_PATH)",
                          tree.get()),
              recorded([&tree] {
                (void)sys::mount_setattr(tree.get(), "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0,
                                         MS_PRIVATE);
                (void)sys::move_mount(tree.get(), "", AT_FDCWD, "/tmp/to", MOVE_MOUNT_F_EMPTY_PATH);
              }));
    EXPECT_TRUE(mount_at("/tmp/to").has_option("ro"));
    EXPECT_FALSE(mount_at("/tmp/from").has_option("ro"));
    EXPECT_EQ(EROFS, sys::mkdir("/tmp/to/dir", 0755).error());
  });
}

TEST(SysMount, TreesThatAreNotThereAreRefused) {
  MD_NEEDS("userns");
  in_sandbox([] {
    EXPECT_EQ("open_tree(AT_FDCWD, \"/no\", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC) = ENOENT",
              recorded([] { (void)sys::open_tree(AT_FDCWD, "/no", OPEN_TREE_CLONE); }));
    EXPECT_EQ(ENOENT, sys::move_mount(AT_FDCWD, "/no", AT_FDCWD, "/tmp", 0).error());
    EXPECT_EQ(ENOENT, sys::mount_setattr(AT_FDCWD, "/no", 0, MOUNT_ATTR_RDONLY, 0, 0).error());
  });
}

}  // namespace
}  // namespace minidocker
