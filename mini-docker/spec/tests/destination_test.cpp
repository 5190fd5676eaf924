#include "minidocker/spec/destination.hpp"

#include <gtest/gtest.h>

namespace minidocker::spec {
namespace {

TEST(Destination, IsPutIntoItsNormalForm) {
  EXPECT_EQ(normal_destination("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(normal_destination("a/../b"), "/b");
  EXPECT_EQ(normal_destination("/../../etc"), "/etc");
  EXPECT_EQ(normal_destination("/..x"), "/..x");
  for (const char* root : {"", "/", ".", "//", "/a/..", "/../."}) {
    EXPECT_EQ(normal_destination(root), "/") << root;
  }
}

TEST(Destination, OrdinaryPlacesMayBeCovered) {
  for (const char* path : {"/proc", "/process/x", "/sys", "/dev/pts", "/a/proc/x"}) {
    EXPECT_TRUE(is_coverable(path)) << path;
  }
}

TEST(Destination, InsideProcOnlyFilesThatDescribeTheMachineMay) {
  for (const char* path : {"/proc/cpuinfo", "/proc/meminfo", "/proc/net/dev",
                           "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled"}) {
    EXPECT_TRUE(is_coverable(path)) << path;
  }
  for (const char* path : {"/proc/self", "/proc/self/attr", "/proc/sys", "/proc/sys/kernel",
                           "/proc/cpuinfo/x", "/proc/1", "/proc/net"}) {
    EXPECT_FALSE(is_coverable(path)) << path;
  }
}

}  // namespace
}  // namespace minidocker::spec
