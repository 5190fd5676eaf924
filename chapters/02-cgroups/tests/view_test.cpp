#include "minidocker/cgroups/view.hpp"

#include <gtest/gtest.h>

namespace minidocker::cgroups {
namespace {

Location merged() {
  return {Mode::v1,
          {{"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/web"},
           {"memory", "/sys/fs/cgroup/memory", "/web"}}};
}

TEST(GroupViews, AreNamedAfterTheirMounts) {
  const std::vector<GroupView> expected{{"cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/web"},
                                        {"memory", "/sys/fs/cgroup/memory/web"}};
  EXPECT_EQ(expected, views_of(merged()));
}

TEST(GroupViews, AreNoneForV2) {
  EXPECT_TRUE(views_of({Mode::v2, {{"", "/sys/fs/cgroup", "/web"}}}).empty());
}

TEST(ControllerLinks, PointToTheMergedHierarchy) {
  const std::vector<ControllerLink> expected{{"cpu", "cpu,cpuacct"}, {"cpuacct", "cpu,cpuacct"}};
  EXPECT_EQ(expected, links_of(merged()));
}

}  // namespace
}  // namespace minidocker::cgroups
