#include <fcntl.h>
#include <sys/mount.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "group_fixture.hpp"
#include "minidocker/cgroups/view.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker::cgroups {
namespace {

using testing::read_text;
using testing::write_text;

class V1 : public Groups {
 protected:
  void SetUp() override { need(Version::v1, true); }
  std::string path_in(const char* controller, const std::string& name = "web") const {
    return place(name).find(controller)->path();
  }
};

TEST_F(V1, NewCpusetMayBeEnteredAtOnce) {
  Cgroup group = make();
  Process child = start_in(
      group, [] { return testing::cgroups_of(::getpid())["cpuset"].ends_with("/web") ? 0 : 1; });
  EXPECT_EQ(0, end_of(child).code);
  const std::string root = read_text(layout_.hierarchies[0].mount + "/../cpuset/cpuset.cpus");
  EXPECT_EQ(root, read_text(path_in("cpuset") + "/cpuset.cpus"));
  EXPECT_NE("\n", read_text(path_in("cpuset") + "/cpuset.mems"));
}

TEST_F(V1, CpusetBelowAGroupThatClonesNothingIsFilled) {
  const Cgroup above = make("above");
  write_text(path_in("cpuset", "above") + "/cgroup.clone_children", "0");
  const Cgroup group = make("above/below");
  EXPECT_NE("\n", read_text(path_in("cpuset", "above/below") + "/cpuset.cpus"));
}

TEST_F(V1, FrozenGroupIsRefused) {
  const Cgroup group = make();
  const std::string state = path_in("freezer") + "/freezer.state";
  write_text(state, "FROZEN");
  const std::string error = error_of(ErrorKind::conflict, [&] { (void)make(); });
  EXPECT_NE(std::string::npos, error.find("unexpectedly frozen")) << error;
  write_text(state, "THAWED");
}

TEST_F(V1, FrozenProcessesAreKilledAll) {
  Cgroup group = make();
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  write_text(path_in("freezer") + "/freezer.state", "FROZEN");
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(child).signal);
}

TEST_F(V1, ProcessesOfASubgroupThatWasFrozenByItselfAreKilled) {
  Cgroup group = make();
  const std::string below = path_in("freezer") + "/below";
  ASSERT_EQ(0, ::mkdir(below.c_str(), 0755));
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  write_text(below + "/cgroup.procs", std::to_string(child.pid()));
  write_text(below + "/freezer.state", "FROZEN");
  group.kill_all(std::chrono::seconds(5));
  EXPECT_EQ(SIGKILL, end_of(child).signal);
  group.remove();
}

TEST_F(V1, KillNeedsNoFreezer) {
  std::erase_if(layout_.hierarchies, [](const Hierarchy& h) { return h.controllers == "freezer"; });
  Cgroup group = make();
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(child).signal);
}

TEST_F(V1, FailureInTheMiddleLeavesNothing) {
  Location location = place("web");
  location.directories.push_back({"net_cls", "/nonexistent", "/web"});
  EXPECT_THROW((void)Cgroup::create(location), SystemError);
  EXPECT_FALSE(is_there());
}

TEST_F(V1, OwnerRemovesTheOthersWhereOneDirectoryCannotBeRemoved) {
  testing::in_sandbox(
      [&] {
        const std::string first = layout_.hierarchies[0].mount;
        const auto remount = [&](unsigned long flags) {
          return ::mount(nullptr, first.c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr);
        };
        const std::vector<Directory> directories = place("web").directories;
        {
          const Cgroup group = make();
          ASSERT_EQ(0, remount(MS_RDONLY));
        }
        EXPECT_TRUE(exists(directories[0].path()));
        for (std::size_t i = 1; i < directories.size(); ++i) {
          EXPECT_FALSE(exists(directories[i].path())) << directories[i].path();
        }
        ASSERT_EQ(0, remount(0));
        EXPECT_EQ(0, ::rmdir(directories[0].path().c_str()));
        TearDown();  // the names hold the pid: they are other ones than our parent's
      },
      {.flags = CLONE_NEWNS});
}

TEST_F(V1, DeviceRulesMeanWhatTheyMeanOnV2) {
  Cgroup group = make();
  const std::string list = path_in("devices") + "/devices.list";
  group.apply_devices({{}, {Verdict::allow, DeviceType::any, 1, 3, kRead}});
  EXPECT_EQ("c 1:3 r\nb 1:3 r\n", read_text(list));
  group.apply_devices({{Verdict::deny, DeviceType::character, 1, 5, kWrite}});
  EXPECT_EQ("a *:* rwm\n", read_text(list)) << "all but what is denied, which no file tells";
  Process child = start_in(group, [] {
    if (::open("/dev/zero", O_RDONLY | O_CLOEXEC) < 0) return 1;
    return ::open("/dev/zero", O_WRONLY | O_CLOEXEC) >= 0 ? 2 : errno;
  });
  EXPECT_EQ(EPERM, end_of(child).code);
}

TEST_F(V1, LimitWithoutItsControllerNamesIt) {
  std::erase_if(layout_.hierarchies, [](const Hierarchy& h) {
    return h.controllers == "pids" || h.controllers == "devices";
  });
  const Cgroup group = make();
  const std::string pids = error_of(ErrorKind::unavailable, [&] { group.apply({.pids = 3}); });
  EXPECT_NE(std::string::npos, pids.find("no pids controller")) << pids;
  const std::string devices = error_of(ErrorKind::unavailable, [&] { group.apply_devices({{}}); });
  EXPECT_NE(std::string::npos, devices.find("no devices controller")) << devices;
  EXPECT_NO_THROW(group.apply_devices({}));
  EXPECT_EQ(std::nullopt, group.stats().pids.current);
}

TEST_F(V1, GroupCostsOneMkdirAHierarchyAndAGlanceAtTheCpuset) {
  const Cgroup prefix_is_made = make("first");
  trace::Recording calls;
  const trace::Session session(&calls);
  const Cgroup group = make("second");
  EXPECT_EQ(layout_.hierarchies.size(), calls.count("mkdirat"));
  EXPECT_EQ(1U, calls.count("openat"));
  EXPECT_EQ(1U, calls.count("read"));
  EXPECT_EQ(0U, calls.count("write"));
}

TEST_F(V1, EnteringCostsTwoCallsAHierarchy) {
  Cgroup group = make();
  ChildPlan plan;
  sys::CloneArgs clone;
  group.enter_by(plan, clone);
  EXPECT_EQ(1U, plan.size());
  EXPECT_EQ(-1, clone.cgroup);
  testing::in_child([&] {
    trace::Recording calls;
    const trace::Session session(&calls);
    ChildContext context;
    EXPECT_TRUE(plan.run(context));
    EXPECT_EQ(layout_.hierarchies.size(), calls.count("openat"));
    EXPECT_EQ(layout_.hierarchies.size(), calls.count("write"));
    EXPECT_EQ(0U, calls.count("close"));
  });
}

TEST_F(V1, ViewShowsTheGroupsOfTheContainerReadOnly) {
  const Cgroup group = make();
  testing::in_sandbox(
      [&] {
        ASSERT_EQ(0, ::mkdir("/tmp/root", 0755));
        ASSERT_EQ(0, ::mkdir("/tmp/root/cg", 0755));
        ASSERT_EQ(0, ::mount("tmpfs", "/tmp/root/cg", "tmpfs", 0, "mode=755"));
        const UniqueFd root(::open("/tmp/root", O_PATH | O_CLOEXEC));
        const int root_fd = root.get();
        std::vector<GroupView> views = views_of(group.location());
        std::vector<const char*> names;
        std::vector<const char*> groups;
        for (const GroupView& view : views) {
          names.push_back(view.name.c_str());
          groups.push_back(view.group.c_str());
        }
        const BindGroups step{&root_fd,      "/cg",        names.data(),
                              groups.data(), names.size(), MOUNT_ATTR_RDONLY};
        EXPECT_EQ("bind the container's own groups of " + std::to_string(names.size()) +
                      " hierarchies below /cg",
                  step.describe());
        ChildContext context;
        const StepResult result = step.run(context);
        ASSERT_TRUE(result) << result.error;
        EXPECT_EQ("\n", read_text("/tmp/root/cg/pids/cgroup.procs") + "\n");
        EXPECT_NE(0, ::mkdir("/tmp/root/cg/pids/x", 0755));
        EXPECT_EQ(EROFS, errno);
        EXPECT_NE(0, ::mkdir("/tmp/root/cg/x", 0755));
        EXPECT_EQ(EROFS, errno);
        const BindGroups gone{&root_fd,      "/none",      names.data(),
                              groups.data(), names.size(), MOUNT_ATTR_RDONLY};
        EXPECT_EQ(ENOENT, gone.run(context).error);
      },
      {.flags = CLONE_NEWNS});
}

}  // namespace
}  // namespace minidocker::cgroups
