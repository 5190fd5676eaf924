#include "minidocker/namespaces/filesystems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::namespaces {
namespace {

using ::testing::HasSubstr;

std::string verdict(std::string_view destination) {
  try {
    check_destination(destination, "mounts[3].destination");
  } catch (const Error& error) {
    return error.what();
  }
  return "allowed";
}

TEST(Destination, IsPutIntoItsNormalForm) {
  EXPECT_EQ(normal_destination("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(normal_destination("a/../b"), "/b");
  EXPECT_EQ(normal_destination("/../../etc"), "/etc");
  EXPECT_EQ(normal_destination(""), "/");
  EXPECT_EQ(normal_destination("/a/.."), "/");
}

TEST(Destination, OrdinaryPlacesAreAllowed) {
  for (const char* path :
       {"/proc", "proc", "/process/x", "/sys", "/dev/pts", "/a/proc/x", "/..x"}) {
    EXPECT_EQ(verdict(path), "allowed") << path;
  }
}

TEST(Destination, TheRootItselfIsRefused) {
  for (const char* path : {"/", "", ".", "//", "/a/..", "/../."}) {
    EXPECT_THAT(verdict(path), HasSubstr("root itself")) << path;
  }
}

TEST(Destination, InsideProcOnlyHarmlessFilesAreAllowed) {
  for (const char* path : {"/proc/cpuinfo", "/proc/meminfo", "/proc/uptime", "/proc/./stat",
                           "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled"}) {
    EXPECT_EQ(verdict(path), "allowed") << path;
  }
  for (const char* path : {"/proc/self", "/proc/self/attr", "proc/sys", "/x/../proc/sys/kernel",
                           "/proc/cpuinfo/x", "//proc//1"}) {
    EXPECT_THAT(verdict(path), HasSubstr("inside /proc")) << path;
  }
}

TEST(Destination, TheErrorNamesWhereItCameFrom) {
  EXPECT_THAT(verdict("/proc/self"), HasSubstr("mounts[3].destination: \"/proc/self\""));
}

}  // namespace
}  // namespace minidocker::namespaces
