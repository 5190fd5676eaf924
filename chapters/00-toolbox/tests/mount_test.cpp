#include "minidocker/toolbox/mount.hpp"

#include <sys/mount.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mountinfo.hpp"

namespace minidocker {
namespace {

using testing::in_child;
using testing::in_sandbox;

bool is_mounted(const std::string& target) {
  const std::vector<MountEntry> mounts = read_mountinfo();
  const MountEntry* mount = find_mount(mounts, target);
  return mount != nullptr && mount->target == target;
}

/// The message with which mounting fails.
std::string refusal(const std::string& source, const std::string& target, const std::string& type,
                    unsigned long flags = 0, const std::string& data = {}) {
  try {
    Mount::make(source, target, type, flags, data).release();
  } catch (const SystemError& error) {
    return error.what();
  }
  return "it was mounted";
}

TEST(Mount, IsDetachedAtItsEndEvenWhenBusy) {
  MD_NEEDS("userns");
  in_sandbox([] {
    UniqueFd inside;
    {
      const Mount mount = Mount::make("box", "/mnt", "tmpfs", MS_NODEV, "size=1m");
      EXPECT_EQ("/mnt", mount.target());
      EXPECT_TRUE(is_mounted("/mnt"));
      write_atomically("/mnt/file", "x");
    }
    EXPECT_FALSE(is_mounted("/mnt"));
  });
}

TEST(Mount, StaysWhenReleasedAndGoesWhenTold) {
  MD_NEEDS("userns");
  in_sandbox([] {
    Mount mount = Mount::make("box", "/mnt", "tmpfs", 0);
    mount.release();
    EXPECT_TRUE(is_mounted("/mnt"));
    Mount second = Mount::make("box", "/mnt", "tmpfs", 0);
    second.unmount();
    EXPECT_NO_THROW(second.unmount()) << "it owns nothing any more";
    EXPECT_TRUE(is_mounted("/mnt")) << "the first one lies below";
  });
}

TEST(Mount, MovesItsOwnership) {
  MD_NEEDS("userns");
  in_sandbox([] {
    Mount first = Mount::make("box", "/mnt", "tmpfs", 0);
    Mount second(std::move(first));
    EXPECT_TRUE(is_mounted("/mnt"));
    make_dirs("/tmp/other");
    Mount third = Mount::make("box", "/tmp/other", "tmpfs", 0);
    third = std::move(second);
    EXPECT_FALSE(is_mounted("/tmp/other"));
    EXPECT_EQ("/mnt", third.target());
  });
}

TEST(Mount, IsNotTouchedByAChild) {
  MD_NEEDS("userns");
  in_sandbox([] {
    Mount mount = Mount::make("box", "/mnt", "tmpfs", 0);
    in_child([&mount] { const Mount mine(std::move(mount)); });
    EXPECT_TRUE(is_mounted("/mnt"));
  });
}

TEST(Mount, UnmountingWhatIsBusySaysSo) {
  MD_NEEDS("userns");
  in_sandbox([] {
    Mount mount = Mount::make("box", "/mnt", "tmpfs", 0);
    make_dirs("/mnt/inner");
    const Mount inner = Mount::make("box", "/mnt/inner", "tmpfs", 0);
    try {
      mount.unmount();
      ADD_FAILURE() << "it was unmounted";
    } catch (const SystemError& error) {
      EXPECT_STREQ("umount2(\"/mnt\"): device or resource busy (EBUSY)", error.what());
    }
  });
}

TEST(Mount, ARefusalNamesTheArgumentsAndWhatTheErrnoHides) {
  MD_NEEDS("userns");
  in_sandbox([] {
    EXPECT_EQ(
        "mount(\"x\", \"/mnt\", \"nofs\", MS_NOSUID|MS_NODEV, NULL): no such device (ENODEV); "
        "hint: this kernel has no filesystem of that type",
        refusal("x", "/mnt", "nofs", MS_NOSUID | MS_NODEV));
    EXPECT_NE(std::string::npos,
              refusal("x", "/mnt", "tmpfs", 0, "colour=red").find("(EINVAL); hint: an option"));
    EXPECT_NE(std::string::npos,
              refusal("/etc/passwd", "/mnt", "", MS_BIND).find("(ENOTDIR); hint: a directory"));
    EXPECT_EQ("mount(\"x\", \"/no/such\", \"tmpfs\", 0, NULL): no such file or directory (ENOENT)",
              refusal("x", "/no/such", "tmpfs"));
  });
}

TEST(Mount, WithoutPrivilegesTheHintNamesTheCapability) {
  MD_NEEDS("user");
  in_sandbox(
      [] {
        EXPECT_NE(std::string::npos,
                  refusal("x", "/mnt", "tmpfs").find("(EPERM); hint: needs CAP_SYS_ADMIN"));
      },
      {.flags = 0, .as_user = true});
}

}  // namespace
}  // namespace minidocker
