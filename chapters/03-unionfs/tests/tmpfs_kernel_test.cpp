#include "minidocker/unionfs/tmpfs.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "steps.hpp"
#include "tree_snapshot.hpp"

namespace minidocker::unionfs {
namespace {

using minidocker::testing::in_sandbox;
using minidocker::testing::read_text;
using minidocker::testing::write_text;
using unionfs::testing::as_root_and_as_user;
using unionfs::testing::container_root;
using unionfs::testing::error_of;
using unionfs::testing::mode_of;
using unionfs::testing::mount_at;
using unionfs::testing::succeeds;

TEST(MountTmpfs, TakesTheModeOfTheDirectoryItCovers) {
  MD_NEEDS("root", "user", "userns");
  as_root_and_as_user([] {
    const int root = container_root();
    make_dirs("/tmp/root/run");
    ASSERT_EQ(::chmod("/tmp/root/run", 0710), 0);
    ASSERT_TRUE(succeeds(MountTmpfs{&root, "/run", MS_NOSUID | MS_NODEV, "size=64k"}));
    const MountEntry entry = mount_at("/tmp/root/run");
    EXPECT_EQ(entry.type, "tmpfs");
    EXPECT_TRUE(entry.has_option("nosuid"));
    EXPECT_THAT(entry.super_options, ::testing::HasSubstr("size=64k"));
    EXPECT_EQ(mode_of("/tmp/root/run"), 0710U);
  });
}

TEST(MountTmpfs, TakesTheModeItIsTold) {
  MD_NEEDS("root");
  in_sandbox([] {
    const int root = container_root();
    make_dirs("/tmp/root/run");
    ASSERT_TRUE(succeeds(MountTmpfs{&root, "/run", 0, "mode=701"}));
    EXPECT_EQ(mode_of("/tmp/root/run"), 0701U);
  });
}

TEST(MountTmpfs, MakesADirectoryThatIsMissingAndLeavesItsModeToTheKernel) {
  MD_NEEDS("root");
  in_sandbox([] {
    const int root = container_root();
    ASSERT_TRUE(succeeds(MountTmpfs{&root, "/new/dir", 0, nullptr}));
    EXPECT_EQ(mode_of("/tmp/root/new/dir"), 01777U);
  });
}

TEST(MountTmpfs, AnswersWhatIsWrong) {
  MD_NEEDS("root");
  in_sandbox([] {
    const int root = container_root();
    write_text("/tmp/root/file", "");
    make_dirs("/tmp/root/dir");
    EXPECT_EQ(error_of(MountTmpfs{&root, "/file", 0, nullptr}), ENOTDIR);
    EXPECT_EQ(error_of(MountTmpfs{&root, "/file/below", 0, nullptr}), ENOTDIR);
    EXPECT_EQ(error_of(MountTmpfs{&root, "/dir", 0, "colour=blue"}), EINVAL);
    const std::string long_options = "size=1" + std::string(5000, '0');
    EXPECT_EQ(error_of(MountTmpfs{&root, "/dir", 0, long_options.c_str()}), EINVAL);
  });
}

MountTmpfs filled(const int* root, const char* destination, const char* options = nullptr) {
  MountTmpfs step{root, destination, 0, options};
  step.content = TmpfsContent::copy;
  return step;
}

TEST(CopyUp, FillsTheTmpfsWithWhatItCovers) {
  MD_NEEDS("root", "user", "userns");
  as_root_and_as_user([] {
    const int root = container_root();
    make_dirs("/tmp/root/etc/deep/er");
    write_text("/tmp/root/etc/file", std::string(100'000, 'x'));
    write_text("/tmp/root/etc/deep/er/set-user-id", "#!");
    ASSERT_EQ(::chmod("/tmp/root/etc/deep/er/set-user-id", 04711), 0);
    ASSERT_EQ(::chmod("/tmp/root/etc/deep", 0500), 0);
    ASSERT_EQ(::symlink("/no/where", "/tmp/root/etc/link"), 0);
    const struct timespec times[2] = {{5, 0}, {7, 9}};
    ASSERT_EQ(::utimensat(AT_FDCWD, "/tmp/root/etc/deep", times, 0), 0);
    ASSERT_EQ(::utimensat(AT_FDCWD, "/tmp/root/etc/file", times, 0), 0);
    if (::getuid() == 0) (void)!::chown("/tmp/root/etc/file", 0, 0);
    testing::Snapshot before = testing::snapshot("/tmp/root/etc");
    const MountTmpfs step = filled(&root, "/etc");
    EXPECT_EQ(step.describe(), "mount a tmpfs on /etc with a copy of what it covers");
    ASSERT_TRUE(succeeds(step));
    EXPECT_EQ(mount_at("/tmp/root/etc").type, "tmpfs");
    testing::Snapshot after = testing::snapshot("/tmp/root/etc");
    // Neither the top's time nor a link's is copied.
    for (testing::Snapshot* tree : {&before, &after}) {
      tree->at("").status.st_mtim = {};
      tree->at("link").status.st_mtim = {};
    }
    EXPECT_EQ(testing::lines_of(after), testing::lines_of(before));
  });
}

TEST(CopyUp, LeavesWhatIsBelowAsItWas) {
  MD_NEEDS("root");
  in_sandbox([] {
    const int root = container_root();
    make_dirs("/tmp/root/etc");
    write_text("/tmp/root/etc/file", "image");
    ASSERT_TRUE(succeeds(filled(&root, "/etc")));
    write_text("/tmp/root/etc/file", "container");
    ASSERT_EQ(::umount("/tmp/root/etc"), 0);
    EXPECT_EQ(read_text("/tmp/root/etc/file"), "image");
  });
}

TEST(CopyUp, HasNothingToCopyForANewDirectory) {
  MD_NEEDS("root");
  in_sandbox([] {
    const int root = container_root();
    ASSERT_TRUE(succeeds(filled(&root, "/new")));
    EXPECT_TRUE(list_dir("/tmp/root/new").empty());
  });
}

TEST(CopyUp, EndsWhereTheTmpfsIsFullOrTheTreeTooDeep) {
  MD_NEEDS("root");
  in_sandbox([] {
    const int root = container_root();
    make_dirs("/tmp/root/big");
    write_text("/tmp/root/big/file", std::string(1'000'000, 'x'));
    EXPECT_EQ(error_of(filled(&root, "/big", "size=64k")), ENOSPC);
    std::string deep = "/tmp/root/deep";
    for (int i = 0; i < 66; ++i) deep += "/d";
    make_dirs(deep);
    EXPECT_EQ(error_of(filled(&root, "/deep")), ELOOP);
  });
}

}  // namespace
}  // namespace minidocker::unionfs
