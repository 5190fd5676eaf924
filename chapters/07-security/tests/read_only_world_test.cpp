#include "minidocker/security/read_only_world.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::security {
namespace {

const std::string kMine = "/tmp/mine";
const std::string kOther = "/tmp/other";

// The body in such a world, two directories in it.
void in_world(const std::function<void()>& body) {
  testing::in_sandbox(
      [&body] {
        make_dirs(kMine);
        make_dirs(kOther);
        // One where devices can be opened, whatever /tmp is.
        ASSERT_EQ(0, ::mount("tmpfs", kMine.c_str(), "tmpfs", 0, nullptr));
        testing::write_text(kOther + "/file", "x");
        const auto mounts = testing::mounts_of(::getpid());
        testing::in_child([&body] {
          make_world_read_only(std::vector<std::string>{kMine});
          body();
        });
        EXPECT_EQ(mounts, testing::mounts_of(::getpid())) << "the mounts outside have changed";
      },
      {.flags = CLONE_NEWNS});
}

TEST(ReadOnlyWorld, RefusesWhatLandlockDoesNotMind) {
  MD_NEEDS("root");
  in_world([] {
    const std::string file = kOther + "/file";
    EXPECT_EQ(-1, ::chmod(file.c_str(), 04777));
    EXPECT_EQ(EROFS, errno);
    EXPECT_EQ(-1, ::chown(file.c_str(), 1, 1));
    EXPECT_EQ(EROFS, errno);
    EXPECT_EQ(-1, ::setxattr(file.c_str(), "user.x", "", 0, 0));
    EXPECT_EQ(EROFS, errno);
    EXPECT_EQ(-1, ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0));
    EXPECT_EQ(EROFS, errno);
    EXPECT_EQ(-1, ::truncate(file.c_str(), 0));
    EXPECT_EQ(EROFS, errno);
    EXPECT_EQ(-1, ::mkdir("/etc/new", 0700));
    EXPECT_EQ(EROFS, errno);
  });
}

TEST(ReadOnlyWorld, LeavesOneDirectory) {
  MD_NEEDS("root");
  in_world([] {
    testing::write_text(kMine + "/file", "new");
    EXPECT_EQ(0, ::chmod((kMine + "/file").c_str(), 04755));
    EXPECT_EQ(0, ::mkdir((kMine + "/below").c_str(), 0700));
    EXPECT_EQ(0, ::rename((kMine + "/file").c_str(), (kMine + "/below/file").c_str()));
  });
}

TEST(ReadOnlyWorld, OpensNoDeviceThatWasMade) {
  MD_NEEDS("root");
  in_world([] {
    const std::string device = kMine + "/null";
    ASSERT_EQ(0, ::mknod(device.c_str(), S_IFCHR | 0666, ::makedev(1, 3)));
    EXPECT_EQ(-1, ::open(device.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(EACCES, errno);
  });
}

}  // namespace
}  // namespace minidocker::security
