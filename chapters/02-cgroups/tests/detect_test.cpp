#include "minidocker/cgroups/detect.hpp"

#include <cstring>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"
#include "samples.hpp"

namespace minidocker::cgroups {
namespace {

TEST(Layout, OfV1HasAHierarchyPerMountInTheOrderOfOurGroups) {
  const Layout layout = parse_layout(samples::kV1Mounts, samples::kV1Groups);
  EXPECT_EQ(Mode::v1, layout.mode);
  const std::vector<Hierarchy> expected{
      {"name=systemd", "/sys/fs/cgroup/systemd", "/user.slice/session-1.scope", false},
      {"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/user.slice", false},
      {"pids", "/sys/fs/cgroup/pids", "/user.slice/user-0.slice", true},
      {"memory", "/sys/fs/cgroup/memory", "/", false}};
  EXPECT_EQ(expected, layout.hierarchies);
}

TEST(Layout, OfAHybridHostLeavesTheEmptyV2HierarchyOut) {
  const Layout layout = parse_layout(samples::kHybridMounts, samples::kHybridGroups);
  EXPECT_EQ(Mode::hybrid, layout.mode);
  const std::vector<Hierarchy> expected{{"memory", "/sys/fs/cgroup/memory", "/", false}};
  EXPECT_EQ(expected, layout.hierarchies);
}

TEST(Layout, OfV2IsOneHierarchy) {
  const Layout layout = parse_layout(samples::kV2Mounts, samples::kV2Groups);
  EXPECT_EQ(Mode::v2, layout.mode);
  const std::vector<Hierarchy> expected{
      {"", "/sys/fs/cgroup", "/user.slice/user-1000.slice/user@1000.service/app.slice/shell.scope",
       false}};
  EXPECT_EQ(expected, layout.hierarchies);
}

TEST(Layout, OfASystemdHierarchyBesideV2IsV2) {
  const std::string mounts =
      std::string(samples::kV2Mounts) +
      "33 29 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";
  const Layout layout = parse_layout(mounts, "1:name=systemd:/\n0::/\n");
  EXPECT_EQ(Mode::v2, layout.mode);
  ASSERT_EQ(1U, layout.hierarchies.size());
  EXPECT_EQ("", layout.hierarchies.front().controllers);
}

TEST(Layout, OfAMarkerOfPacketsBesideV2IsV2) {
  const std::string mounts = std::string(samples::kV2Mounts) +
                             "99 28 0:50 / /opt/mullvad/net_cls rw - cgroup net_cls rw,net_cls\n";
  const Layout layout = parse_layout(mounts, "1:net_cls:/\n0::/\n");
  EXPECT_EQ(Mode::v2, layout.mode);
  ASSERT_EQ(1U, layout.hierarchies.size());
  EXPECT_EQ("/sys/fs/cgroup", layout.hierarchies.front().mount);
}

TEST(Layout, OfOneUnimportantControllerAloneIsV1) {
  const Layout layout =
      parse_layout("99 28 0:50 / /cg rw - cgroup net_cls rw,net_cls\n", "1:net_cls:/\n");
  EXPECT_EQ(Mode::v1, layout.mode);
}

TEST(Layout, OfAContainerSeesItsOwnGroupFromTheMountsRoot) {
  const Layout layout = parse_layout(samples::kContainerMounts, samples::kContainerGroups);
  ASSERT_EQ(1U, layout.hierarchies.size());
  EXPECT_EQ("/below", layout.hierarchies.front().own);
  EXPECT_TRUE(layout.hierarchies.front().read_only);
}

TEST(Layout, OfTwoMountsAtOnePlaceIsThatOfTheUpperOne) {
  const std::string mounts =
      std::string(samples::kV2Mounts) + "99 28 0:27 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
  const Layout layout = parse_layout(mounts, "0::/\n");
  ASSERT_EQ(1U, layout.hierarchies.size());
  EXPECT_TRUE(layout.hierarchies.front().read_only);
}

TEST(Layout, OwnGroupOutsideOfTheMountIsItsRoot) {
  EXPECT_EQ(
      "/",
      parse_layout(samples::kContainerMounts, "2:memory:/docker/abcdef\n").hierarchies.front().own);
  EXPECT_EQ("/",
            parse_layout(samples::kContainerMounts, "2:memory:/docker/abc\n").hierarchies[0].own);
  EXPECT_EQ("/", parse_layout(samples::kHybridMounts, "2:memory:/../other\n").hierarchies[0].own);
}

TEST(Layout, WithoutCgroupMountsIsNone) {
  EXPECT_EQ(Layout{}, parse_layout(samples::kNoMounts, samples::kV1Groups));
  EXPECT_EQ(Layout{}, parse_layout("", ""));
}

TEST(Layout, NonsenseInOurGroupsIsRefusedByName) {
  try {
    (void)parse_layout(samples::kV1Mounts, "memory\n");
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKind::invalid_argument, error.kind());
    EXPECT_NE(nullptr, strstr(error.what(), "\"memory\"")) << error.what();
  }
}

TEST(Layout, OfThisMachineCanBeRead) {
  trace::Recording calls;
  const trace::Session session(&calls);
  const Layout layout = detect();
  EXPECT_EQ(2U, calls.count("openat"));
  EXPECT_EQ(layout.mode == Mode::none, layout.hierarchies.empty());
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    EXPECT_TRUE(hierarchy.mount.starts_with('/'));
    EXPECT_TRUE(hierarchy.own.starts_with('/'));
  }
}

}  // namespace
}  // namespace minidocker::cgroups
