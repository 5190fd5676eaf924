#include "minidocker/cgroups/cgroup.hpp"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <chrono>

#include "group_fixture.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::cgroups_of;

/// Whatever holds for v1 and v2 alike.
class Each : public Groups, public ::testing::WithParamInterface<Version> {
 protected:
  /// Where /proc/PID/cgroup says a process of the group is.
  void expect_inside(pid_t pid, const Location& location) {
    const std::map<std::string, std::string> groups = cgroups_of(pid);
    for (const Directory& directory : location.directories) {
      const std::size_t comma = directory.controllers.find(',');
      EXPECT_EQ(directory.group, groups.at(directory.controllers.substr(0, comma)))
          << directory.controllers;
    }
  }
};

#define NEED(limits)          \
  do {                        \
    need(GetParam(), limits); \
    if (IsSkipped()) return;  \
  } while (false)

INSTANTIATE_TEST_SUITE_P(Cgroup, Each, ::testing::Values(Version::v1, Version::v2),
                         [](const auto& version) {
                           return version.param == Version::v1 ? "Cgroup1" : "Cgroup2";
                         });

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
  EXPECT_EQ(0, child.wait().code);
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
  EXPECT_EQ(SIGKILL, child.wait().signal);
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
  EXPECT_EQ(SIGKILL, process.wait().signal);
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
  (void)child.wait();
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
  EXPECT_EQ(SIGKILL, child.wait().signal);
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
  EXPECT_EQ(SIGKILL, child.wait().signal);
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

TEST_P(Each, DeniedDeviceCannotBeOpenedNorAllowedOneBeRefused) {
  NEED(false);
  Cgroup group = make();
  group.apply_devices(default_device_rules());
  Process child = start_in(group, [] {
    const TempDir dir;
    const std::string zero = dir / "zero";
    const std::string mem = dir / "mem";
    if (::mknod(zero.c_str(), S_IFCHR | 0600, ::makedev(1, 5)) != 0) return 1;
    if (::mknod(mem.c_str(), S_IFCHR | 0600, ::makedev(1, 1)) != 0) return 2;
    if (::open(zero.c_str(), O_RDONLY | O_CLOEXEC) < 0) return 3;
    if (::open(mem.c_str(), O_RDONLY | O_CLOEXEC) >= 0) return 4;
    return errno == EPERM ? 0 : 5;
  });
  EXPECT_EQ(0, child.wait().code);
}

TEST_P(Each, LaterRulesReplaceEarlierOnes) {
  NEED(false);
  Cgroup group = make();
  group.apply_devices({{}});
  group.apply_devices(default_device_rules());
  Process child =
      start_in(group, [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1; });
  EXPECT_EQ(0, child.wait().code);
  group.apply_devices({{}});
  Process other =
      start_in(group, [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 ? 1 : errno; });
  EXPECT_EQ(EPERM, other.wait().code);
}

TEST_P(Each, HogIsKilledAtItsMemoryLimit) {
  NEED(true);
  Cgroup group = make();
  group.apply({.memory = {.limit = Bytes{16 << 20}, .swap = Bytes{16 << 20}}});
  Process hog = start_in(group, [] {
    constexpr std::size_t kSize = 64 << 20;
    void* memory =
        ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    auto* bytes = static_cast<volatile char*>(memory);
    for (std::size_t i = 0; i < kSize; i += 4096) bytes[i] = 1;
    return 0;
  });
  EXPECT_EQ(SIGKILL, hog.wait().signal);
  const Stats stats = group.stats();
  EXPECT_EQ(Bytes{16 << 20}, stats.memory.limit);
  EXPECT_GE(stats.memory.oom_kills, 1U);
  EXPECT_GT(stats.memory.peak.value_or(Bytes{16 << 20}).value, 15U << 20)
      << "v2 tells from 5.19 on";
}

TEST_P(Each, ForksFailAtExactlyTheLimit) {
  NEED(true);
  Cgroup group = make();
  group.apply({.pids = 5});
  Process child = start_in(group, [] {
    int made = 1;  // itself
    while (true) {
      const pid_t pid = ::fork();
      if (pid == 0) ::pause();
      if (pid < 0) break;
      ++made;
    }
    return errno == EAGAIN ? made : 100;
  });
  EXPECT_EQ(5, child.wait().code);
  const Stats stats = group.stats();
  EXPECT_EQ(5U, stats.pids.limit);
  EXPECT_EQ(4U, stats.pids.current);
  group.kill_all();
  reap_orphans();
}

TEST_P(Each, QuotaSlowsABusyLoopDown) {
  NEED(true);
  Cgroup group = make();
  group.apply({.cpu = {.quota = microseconds(10'000), .period = microseconds(50'000)}});
  const auto before = std::chrono::steady_clock::now();
  Process child = start_in(group, [] {
    struct timespec used{};
    while (used.tv_sec == 0 && used.tv_nsec < 60'000'000) {
      ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    }
    return 0;
  });
  EXPECT_EQ(0, child.wait().code);
  // 60 ms at 10 of each 50: six periods at the least, one of which may be running out.
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(200));
  const Stats stats = group.stats();
  EXPECT_GE(stats.cpu.throttled_periods, 3U);
  EXPECT_GT(stats.cpu.throttled_time, std::chrono::nanoseconds(0));
  EXPECT_GE(stats.cpu.periods, stats.cpu.throttled_periods);
  EXPECT_GE(stats.cpu.usage, milliseconds(50));
}

TEST_P(Each, StatisticsMoveWithWhatIsInTheGroup) {
  NEED(true);
  Cgroup group = make();
  EXPECT_EQ(0U, group.stats().pids.current);
  EXPECT_EQ(std::nullopt, group.stats().pids.limit);
  EXPECT_EQ(std::nullopt, group.stats().memory.limit);
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  EXPECT_EQ(1U, group.stats().pids.current);
  EXPECT_TRUE(group.stats().memory.usage);
  group.kill_all();
}

TEST_P(Each, LimitsCanBeRaisedLoweredAndLifted) {
  NEED(true);
  const Cgroup group = make();
  const auto set = [&](Bytes limit, std::optional<Bytes> swap) {
    group.apply({.memory = {.limit = limit, .swap = swap}});
    return group.stats().memory.limit;
  };
  EXPECT_EQ(Bytes{32 << 20}, set(Bytes{32 << 20}, Bytes{32 << 20}));
  EXPECT_EQ(Bytes{64 << 20}, set(Bytes{64 << 20}, Bytes{128 << 20}));
  EXPECT_EQ(Bytes{16 << 20}, set(Bytes{16 << 20}, Bytes{16 << 20}));
  EXPECT_EQ(std::nullopt, set(kUnlimited, {}));
}

TEST_P(Each, BadLimitsReachNoFile) {
  NEED(true);
  const Cgroup group = make();
  (void)error_of(ErrorKind::invalid_argument, [&] { group.apply({.pids = -2}); });
  EXPECT_NO_THROW(group.apply({}));
}

TEST(Driver, ForNoHierarchyIsRefused) {
  EXPECT_THROW((void)driver_for(Mode::none), Error);
  EXPECT_THROW((void)Cgroup::create({}), Error);
}

}  // namespace
}  // namespace minidocker::cgroups
