#include "cgroup_driver.hpp"

#include <string>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

CreateRequest with_parent(const std::string& parent, const std::string& runtime = "") {
  CreateRequest request;
  request.limits.cgroup_parent = parent;
  request.runtime = runtime;
  return request;
}

TEST(CgroupDriver, IsTheOneThatIsNamed) {
  CreateRequest request;
  request.cgroup_driver = "systemd";
  EXPECT_EQ(choose_cgroup_driver(request), CgroupDriver::systemd);
  request.cgroup_driver = "cgroupfs";
  EXPECT_EQ(choose_cgroup_driver(request), CgroupDriver::cgroupfs);
  request.cgroup_driver = "none";
  EXPECT_THROW((void)choose_cgroup_driver(request), Error);
}

TEST(CgroupDriver, PathIsThatOfTheDriver) {
  EXPECT_EQ(cgroups_path(with_parent(""), CgroupDriver::cgroupfs, "id"), "");
  EXPECT_EQ(cgroups_path(with_parent("", "crun"), CgroupDriver::cgroupfs, "id"), "/mini-docker/id");
  EXPECT_EQ(cgroups_path(with_parent("/p"), CgroupDriver::cgroupfs, "id"), "/p/id");
  EXPECT_EQ(cgroups_path(with_parent(""), CgroupDriver::systemd, "id"), ":mini-docker:id");
  EXPECT_EQ(cgroups_path(with_parent("a-b.slice"), CgroupDriver::systemd, "id"),
            "a-b.slice:mini-docker:id");
}

TEST(CgroupDriver, ParentOfAScopeIsASlice) {
  EXPECT_THROW((void)cgroups_path(with_parent("/p"), CgroupDriver::systemd, "id"), Error);
}

}  // namespace
}  // namespace minidocker::engine
