#include "minidocker/cgroups/cgroup.hpp"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <chrono>
#include <utility>

#include <gtest/gtest-spi.h>

#include "group_fixture.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::cgroups_of;

INSTANTIATE_TEST_SUITE_P(Cgroup, Each, ::testing::Values(Version::v1, Version::v2), name_of);
INSTANTIATE_TEST_SUITE_P(Cgroup, EachDriver,
                         ::testing::Values(Version::v1, Version::v2, Version::systemd), name_of);

TEST_P(Each, CreatedGroupExistsAndGoesWithItsOwner) {
  NEED(false);
  {
    const Cgroup group = make();
    for (const Directory& directory : group.location().directories) {
      EXPECT_TRUE(exists(directory.path())) << directory.path();
    }
    EXPECT_TRUE(group.processes().empty());
  }
  EXPECT_FALSE(is_there());
}

TEST_P(Each, ReleasedGroupIsFoundAgainAndRemoved) {
  NEED(false);
  std::string text;
  {
    Cgroup group = make();
    text = group.location().to_text();
    group.release();
  }
  EXPECT_TRUE(is_there());
  Cgroup group = Cgroup::reopen(Location::from_text(text));
  group.remove();
  EXPECT_FALSE(is_there());
  EXPECT_NO_THROW(group.remove()) << "already gone is fine";
}

TEST_P(Each, ReopenedGroupOutlivesItsObject) {
  NEED(false);
  const Cgroup group = make();
  {
    const Cgroup other = Cgroup::reopen(group.location());
  }
  EXPECT_TRUE(is_there());
}

TEST_P(Each, MovedGroupIsRemovedOnce) {
  NEED(false);
  Cgroup first = make("first");
  Cgroup second = make("second");
  first = std::move(second);
  EXPECT_FALSE(is_there("first"));
  EXPECT_TRUE(is_there("second"));
  Cgroup third(std::move(first));
  EXPECT_EQ(third.location(), place("second"));
}

TEST_P(Each, OwnersCopyInAChildRemovesNothing) {
  NEED(false);
  Cgroup group = make();
  testing::in_child([&] { const Cgroup copy = std::move(group); });
  EXPECT_TRUE(is_there());
}

TEST_P(Each, ChildIsInTheGroupBeforeItsFirstOtherStep) {
  NEED(false);
  Cgroup group = make();
  Process child = start_in(group, [] {
    for (const auto& [controllers, path] : cgroups_of(::getpid())) {
      if (path.ends_with("/web")) return 0;
    }
    return 1;
  });
  EXPECT_EQ(0, end_of(child).code);
}

TEST_P(Each, ProcessesAreListedWhileTheyLive) {
  NEED(false);
  Cgroup group = make();
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  EXPECT_EQ(std::vector<pid_t>{child.pid()}, group.processes());
  expect_inside(child.pid(), group.location());
  group.kill_all();
  EXPECT_TRUE(group.processes().empty());
  EXPECT_EQ(SIGKILL, end_of(child).signal);
}

TEST_P(Each, ForeignProcessIsMovedIn) {
  NEED(false);
  const Cgroup group = make();
  const Pipe input = Pipe::make();
  const std::pair<int, int> fds[] = {{input.read_end.get(), 0}};
  Process process = Process::spawn({"cat"}, fds);
  group.attach(process.pid());
  expect_inside(process.pid(), group.location());
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(process).signal);
}

TEST_P(Each, GroupThatIsInUseIsRefused) {
  NEED(false);
  Cgroup group = make();
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  const std::string error = error_of(ErrorKind::conflict, [&] { (void)make(); });
  EXPECT_NE(std::string::npos, error.find("container's cgroup is not empty")) << error;
  EXPECT_NE(std::string::npos, error.find(std::to_string(child.pid()))) << error;
  EXPECT_TRUE(is_there()) << "what is not ours stays";
  group.kill_all();
}

TEST_P(Each, EmptyGroupThatWasThereIsTakenAndLeft) {
  NEED(false);
  const Cgroup first = make();
  {
    const Cgroup second = make();
  }
  EXPECT_TRUE(is_there());
}

TEST_P(Each, GroupWithProcessesCannotBeRemoved) {
  NEED(false);
  Cgroup group = make();
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  const std::string error = error_of(
      ErrorKind::conflict, [&] { Cgroup::reopen(group.location()).remove(milliseconds(20)); });
  EXPECT_NE(std::string::npos, error.find(std::to_string(child.pid()))) << error;
  group.kill_all();
  (void)end_of(child);
  group.remove();
  EXPECT_FALSE(is_there());
}

TEST_P(Each, SubgroupsAreRemovedToo) {
  NEED(false);
  Cgroup group = make();
  for (const Directory& directory : group.location().directories) {
    ASSERT_EQ(0, ::mkdir((directory.path() + "/a").c_str(), 0755));
    ASSERT_EQ(0, ::mkdir((directory.path() + "/a/b").c_str(), 0755));
  }
  group.remove();
  EXPECT_FALSE(is_there());
}

TEST_P(Each, KillReachesATreeThatGoesOnForking) {
  NEED(false);
  Cgroup group = make();
  // Bounded by itself, as the empty v2 hierarchy of a hybrid host counts no processes.
  Process child = start_in(group, [] {
    for (int i = 0; i < 2000; ++i) {
      const pid_t pid = ::fork();
      if (pid == 0) ::pause();
      if (pid > 0 && i > 20) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
      }
    }
    return wait_for_death();
  });
  ASSERT_TRUE(gets_members(group, 10));
  group.kill_all();
  EXPECT_TRUE(group.processes().empty());
  EXPECT_EQ(SIGKILL, end_of(child).signal);
  reap_orphans();
  group.remove();
  EXPECT_FALSE(is_there());
}

TEST_P(Each, OwnerKillsWhatIsLeft) {
  NEED(false);
  Process child;
  {
    Cgroup group = make();
    child = start_in(group, wait_for_death);
    ASSERT_TRUE(gets_members(group));
  }
  EXPECT_EQ(SIGKILL, end_of(child).signal);
  EXPECT_FALSE(is_there());
}

TEST_P(Each, PathWithoutAGroupAboveIsMadeWhole) {
  NEED(false);
  {
    const Cgroup group = make("a/b/c");
  }
  EXPECT_FALSE(is_there("a/b/c"));
  EXPECT_TRUE(is_there("a/b")) << "groups above are shared: they stay";
  Cgroup::reopen(place("a")).remove();
}

TEST(Fixture, WaitsForNobodyForEver) {
  ChildPlan plan;
  plan.add(Behave{wait_for_death});
  const StartedChild child = StartedChild::start(plan, {});
  EXPECT_NONFATAL_FAILURE(reap_orphans(std::chrono::milliseconds(20)), "does not end: state");
}

TEST(Driver, ForNoHierarchyIsRefused) {
  EXPECT_THROW((void)driver_for(Mode::none), Error);
  EXPECT_THROW((void)Cgroup::create({}), Error);
}

}  // namespace
}  // namespace minidocker::cgroups
