#include "minidocker/namespaces/root.hpp"

#include <gtest/gtest.h>

namespace minidocker::namespaces {
namespace {

const char* const kMounts =
    "22 27 0:21 / /proc rw - proc proc rw\n"
    "23 27 0:22 / /sys rw - sysfs sysfs rw\n"
    "24 22 0:21 /sys /proc/sys rw - proc proc rw\n"
    "25 27 0:30 / /srv/root/proc rw - proc proc rw\n"
    "26 27 0:31 / /srv/rootless/proc rw - proc proc rw\n"
    "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n"
    "28 27 0:40 / /srv rw - tmpfs tmpfs rw\n"
    "29 22 0:21 / /proc rw - proc proc rw\n";

TEST(FullKernelMounts, AreTheWholeOnesOutsideOfTheRootLastOneFirst) {
  EXPECT_EQ(full_kernel_mounts(parse_mountinfo(kMounts), "/srv/root"),
            (std::vector<std::string>{"/proc", "/srv/rootless/proc", "/sys", "/proc"}));
}

TEST(FullKernelMounts, NoneIsOutsideOfTheRootOfAll) {
  EXPECT_TRUE(full_kernel_mounts(parse_mountinfo(kMounts), "/").empty());
}

TEST(SharedParent, IsTheMountPointThatHoldsThePathIfItIsShared) {
  EXPECT_EQ(find_shared_parent(parse_mountinfo(kMounts), "/var/lib/x"), "/");
  EXPECT_EQ(find_shared_parent(parse_mountinfo(kMounts), "/srv/root"), "");
}

}  // namespace
}  // namespace minidocker::namespaces
