#include "minidocker/unionfs/bind.hpp"

#include <gtest/gtest.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include <utility>

#include "minidocker/unionfs/remount.hpp"
#include "minidocker/unionfs/tmpfs.hpp"

namespace minidocker::unionfs {
namespace {

constexpr int kNoRoot = -1;

TEST(MountAttributes, AreTakenFromFlagsOfTheClassicCall) {
  const MountAttributes attributes = to_attributes(MS_RDONLY | MS_NOSUID, MS_NODEV | MS_NOEXEC);
  EXPECT_EQ(attributes.set, std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
  EXPECT_EQ(attributes.clear, std::uint64_t{MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC});
  EXPECT_TRUE(to_attributes(0, 0).none());
  EXPECT_TRUE(to_attributes(MS_BIND | MS_REC, 0).none());
}

TEST(MountAttributes, ChooseTheAccessTimeAnewAsAWhole) {
  EXPECT_EQ(to_attributes(MS_NOATIME, 0), (MountAttributes{MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME}));
  EXPECT_EQ(to_attributes(MS_STRICTATIME, 0),
            (MountAttributes{MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME}));
  EXPECT_EQ(to_attributes(0, MS_NOATIME),
            (MountAttributes{MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME}));
}

TEST(MountAttributes, ArePutIntoWords) {
  EXPECT_EQ(attributes_in_words({}), "");
  EXPECT_EQ(attributes_in_words(to_attributes(MS_RDONLY | MS_NOSUID, MS_NOEXEC)), "ro,nosuid,exec");
  EXPECT_EQ(attributes_in_words(to_attributes(MS_NOATIME, 0)), "noatime");
  EXPECT_EQ(attributes_in_words(to_attributes(MS_STRICTATIME, 0)), "strictatime");
  EXPECT_EQ(attributes_in_words(to_attributes(MS_RELATIME, 0)), "relatime");
}

TEST(BindMount, DescribesItselfInWords) {
  BindMount step{&kNoRoot, "/src", "/data"};
  EXPECT_EQ(step.describe(), "bind /src to /data");
  step.recursion = Recursion::tree;
  step.attributes = to_attributes(MS_RDONLY, 0);
  step.propagation = MS_SLAVE | MS_REC;
  EXPECT_EQ(step.describe(), "bind /src to /data with the mounts below it (ro,rslave)");
  step.attributes = {};
  step.tree_attributes = to_attributes(MS_NODEV, 0);
  for (const auto& [flag, word] : {std::pair{MS_PRIVATE, "private"}, std::pair{MS_SHARED, "shared"},
                                   std::pair{MS_UNBINDABLE, "unbindable"}}) {
    step.propagation = static_cast<unsigned long>(flag);
    EXPECT_EQ(step.describe(), std::string("bind /src to /data with the mounts below it (tree: "
                                           "nodev,") +
                                   word + ")");
  }
}

TEST(MountTmpfs, DescribesItselfInWords) {
  EXPECT_EQ((MountTmpfs{&kNoRoot, "/run", 0, nullptr}.describe()), "mount a tmpfs on /run");
  EXPECT_EQ((MountTmpfs{&kNoRoot, "/run", MS_NOSUID, "size=1m"}.describe()),
            "mount a tmpfs on /run (MS_NOSUID, size=1m)");
}

TEST(MountTmpfs, SeesWhetherOptionsNameAMode) {
  EXPECT_TRUE(names_mode("mode=755"));
  EXPECT_TRUE(names_mode("size=1m,mode=755"));
  EXPECT_FALSE(names_mode("size=1m"));
  EXPECT_FALSE(names_mode("mpol=xmode=1"));
  EXPECT_FALSE(names_mode(""));
}

TEST(ChangeMount, DescribesItselfInWords) {
  EXPECT_EQ((ChangeMount{&kNoRoot, nullptr, to_attributes(MS_RDONLY, 0)}.describe()),
            "make the root ro");
  EXPECT_EQ(
      (ChangeMount{&kNoRoot, "/dev", to_attributes(MS_RDONLY, 0), Recursion::tree}.describe()),
      "make /dev and all mounts below it ro");
  EXPECT_EQ((ChangePropagation{&kNoRoot, "/mnt", MS_SHARED}.describe()), "make /mnt MS_SHARED");
}

}  // namespace
}  // namespace minidocker::unionfs
