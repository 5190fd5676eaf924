// Limits as processes meet them, on v1 and v2.
#include <sched.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "work.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using testing::read_text;
using testing::write_text;

constexpr Bytes kMiB{1 << 20};
constexpr Bytes mib(std::uint64_t count) { return Bytes{count * kMiB.value}; }

/// A file of the group, by the name that it has in this version.
std::string held(const Cgroup& group, const char* controller, const char* v1, const char* v2) {
  const bool is_v2 = group.location().mode == Mode::v2;
  std::string text = read_text(group.location().find(controller)->path() + "/" + (is_v2 ? v2 : v1));
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

TEST_P(EachDriver, HogIsKilledAtItsMemoryLimitAndItsSiblingIsNot) {
  NEED(true);
  covers("memory: limit");
  Cgroup group = make("hog");
  Cgroup sibling = make("sibling");
  group.apply({.memory = {.limit = mib(16), .swap = mib(17)}});
  sibling.apply({.memory = {.limit = mib(16), .swap = mib(16)}});
  Process quiet = start_in(sibling, wait_for_death);
  Process hog = start_in(group, be_a_hog);
  EXPECT_EQ(SIGKILL, end_of(hog).signal);
  const MemoryStats memory = group.stats().memory;
  EXPECT_EQ(mib(16), memory.limit);
  EXPECT_GE(memory.oom_kills, 1U);
  EXPECT_GE(memory.failures, 1U);
  EXPECT_GT(memory.peak.value_or(mib(16)), mib(15)) << "v2 tells from 5.19 on";
  EXPECT_EQ(0U, sibling.stats().memory.oom_kills);
  EXPECT_THAT(sibling.processes(), ::testing::Contains(quiet.pid()));
  sibling.kill_all();
}

TEST_P(EachDriver, MemoryAndSwapTogetherAreLimited) {
  NEED(true);
  covers("memory: limit of memory and swap");
  const Cgroup group = make();
  group.apply({.memory = {.limit = mib(16), .swap = mib(24)}});
  EXPECT_EQ(mib(24), group.stats().memory.with_swap.limit);
}

TEST_P(EachDriver, ReservationIsTold) {
  NEED(true);
  covers("memory: reservation");
  const Cgroup group = make();
  group.apply({.memory = {.reservation = mib(8)}});
  EXPECT_EQ("8388608", held(group, "memory", "memory.soft_limit_in_bytes", "memory.low"));
}

TEST_P(EachDriver, ForksFailAtExactlyTheLimit) {
  NEED(true);
  covers("pids: limit");
  Cgroup group = make();
  group.apply({.pids = residents() + 5});
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
  EXPECT_EQ(5, end_of(child).code);
  const Stats stats = group.stats();
  EXPECT_EQ(residents() + 5, stats.pids.limit);
  EXPECT_EQ(residents() + 4, stats.pids.current);
  group.kill_all();
  reap_orphans();
}

TEST_P(EachDriver, SpinnerGetsItsQuotaOfEachPeriod) {
  NEED(true);
  covers("cpu: quota and period");
  clear_board();
  Cgroup group = make();
  group.apply({.cpu = {.quota = microseconds(5'000), .period = microseconds(50'000)}});
  Process child = start_in(group, [] { return spin(0, 1000); });
  start_race();
  EXPECT_EQ(0, end_of(child).code);
  const double share = static_cast<double>(board->cpu_ns[0]) / 1e9;
  // A tenth: as much as a loaded machine has left for one of many.
  EXPECT_NEAR(0.10, share, 0.015);
  const CpuStats cpu = group.stats().cpu;
  EXPECT_GE(cpu.throttled_periods, 10U);
  EXPECT_GE(cpu.periods, cpu.throttled_periods);
  EXPECT_GT(cpu.throttled_time, milliseconds(300));
}

TEST_P(EachDriver, BurstMayBeSavedUp) {
  NEED(true);
  covers("cpu: burst");
  const Cgroup group = make();
  group.apply({.cpu = {.quota = microseconds(50'000), .burst = microseconds(20'000)}});
  EXPECT_EQ("20000", held(group, "cpu", "cpu.cfs_burst_us", "cpu.max.burst"));
}

/// Two spinners on one CPU: how many times the first one's processor time is the second one's.
double race(Cgroup& first, Cgroup& second, Process (*start)(Cgroup&, int (*)())) {
  clear_board();
  Process one = start(first, [] { return spin(0, 700); });
  Process other = start(second, [] { return spin(1, 700); });
  start_race();
  EXPECT_EQ(0, end_of(one).code);
  EXPECT_EQ(0, end_of(other).code);
  return static_cast<double>(board->cpu_ns[0]) / static_cast<double>(board->cpu_ns[1] + 1);
}

TEST_P(EachDriver, SharesAreProcessorTimeOfThoseWhoWantIt) {
  NEED(true);
  covers("cpu: shares (weight of v2)");
  Cgroup heavy = make("heavy");
  Cgroup light = make("light");
  heavy.apply({.cpu = {.shares = 4096, .cpus = "0"}});
  light.apply({.cpu = {.shares = 256, .cpus = "0"}});
  EXPECT_GT(race(heavy, light, start_in), 2.5);
}

TEST_P(EachDriver, IdleGroupGetsWhatOthersLeave) {
  NEED(true);
  covers("cpu: idle");
  Cgroup busy = make("busy");
  Cgroup idle = make("idle");
  busy.apply({.cpu = {.cpus = "0"}});
  idle.apply({.cpu = {.idle = true, .cpus = "0"}});
  EXPECT_GT(race(busy, idle, start_in), 4);
}

TEST_P(EachDriver, IdleGroupTakesNoSharesAndSaysWhy) {
  NEED(true);
  const Cgroup group = make();
  group.apply({.cpu = {.idle = true}});
  try {
    group.update({.cpu = {.shares = 100}});
    FAIL() << "taken";
  } catch (const SystemError& error) {
    EXPECT_THAT(error.what(), HasSubstr("an idle group has no"));
  }
  EXPECT_NO_THROW(group.update({.cpu = {.shares = 100, .idle = false}})) << "in the right order";
}

TEST_P(EachDriver, ProcessRunsOnItsSetOfCpusOnly) {
  NEED(true);
  covers("cpuset: CPUs and memory nodes");
  Cgroup group = make();
  group.apply({.cpu = {.cpus = "1", .mems = "0"}});
  Process child = start_in(group, [] {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 100;
    return CPU_COUNT(&set) == 1 && CPU_ISSET(1, &set) ? 0 : CPU_COUNT(&set);
  });
  EXPECT_EQ(0, end_of(child).code);
  EXPECT_EQ("1", group.stats().cpu.cpus);
  EXPECT_EQ("0", group.stats().cpu.mems);
}

TEST_P(EachDriver, CpusThatTheMachineHasNotAreRefused) {
  NEED(true);
  const Cgroup group = make();
  try {
    group.apply({.cpu = {.cpus = "0,4000"}});
    FAIL() << "taken";
  } catch (const SystemError& error) {
    EXPECT_THAT(error.what(), HasSubstr("set of CPUs: cpuset.cpus, \"0,4000\""));
    EXPECT_THAT(error.what(), HasSubstr("has not all of them"));
  }
}

TEST_P(EachDriver, HugePagesOfNoSuchSizeAreRefused) {
  NEED(true);
  const Cgroup group = make();
  const std::string error =
      error_of(ErrorKind::unavailable, [&] { group.apply({.hugetlb = {{"7MB", Bytes{0}}}}); });
  EXPECT_THAT(error, HasSubstr("limit of huge pages"));
}

TEST_P(EachDriver, ControllerThatNobodyKnowsIsRefusedAndNothingIsWritten) {
  NEED(true);
  const Cgroup group = make();
  group.apply({.pids = 9});
  const std::string error = error_of(
      ErrorKind::unavailable, [&] { group.update({.pids = 5, .unified = {{"warp.max", "1"}}}); });
  EXPECT_THAT(error, HasSubstr("warp.max"));
  EXPECT_EQ(9U, group.stats().pids.limit);
}

TEST_P(EachDriver, BadLimitsReachNoFile) {
  NEED(true);
  const Cgroup group = make();
  (void)error_of(ErrorKind::invalid_argument, [&] { group.apply({.pids = -2}); });
  EXPECT_NO_THROW(group.apply({}));
}

TEST_P(EachDriver, LimitsOfALivingGroupGoUpAndDown) {
  NEED(true);
  covers("update of a group in use");
  Cgroup group = make();
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  const auto set = [&](Bytes limit, std::optional<Bytes> swap) {
    group.update({.memory = {.limit = limit, .swap = swap}});
    return group.stats().memory.limit;
  };
  EXPECT_EQ(mib(32), set(mib(32), mib(32)));
  EXPECT_EQ(mib(64), set(mib(64), mib(128)));
  EXPECT_EQ(mib(16), set(mib(16), mib(16)));
  EXPECT_EQ(std::nullopt, set(kUnlimited, {}));
  const auto bandwidth = [&](int quota, int period, int burst) {
    group.update({.cpu = {.quota = microseconds(quota),
                          .period = microseconds(period),
                          .burst = microseconds(burst)}});
    return held(group, "cpu", "cpu.cfs_quota_us", "cpu.max") + " " +
           held(group, "cpu", "cpu.cfs_burst_us", "cpu.max.burst");
  };
  EXPECT_THAT(bandwidth(50'000, 100'000, 50'000), ::testing::EndsWith(" 50000"));
  EXPECT_THAT(bandwidth(20'000, 40'000, 10'000), ::testing::EndsWith(" 10000"));
  EXPECT_THAT(bandwidth(90'000, 90'000, 90'000), ::testing::EndsWith(" 90000"));
  group.kill_all();
}

TEST_P(EachDriver, WhatAnUpdateDoesNotNameStays) {
  NEED(true);
  const Cgroup group = make();
  group.apply({.memory = {.limit = mib(32), .swap = mib(64)},
               .cpu = {.quota = microseconds(20'000), .period = microseconds(40'000)},
               .pids = 9});
  group.update({.memory = {.swap = mib(96)}, .cpu = {.period = microseconds(80'000)}});
  const Stats stats = group.stats();
  EXPECT_EQ(mib(32), stats.memory.limit);
  EXPECT_EQ(mib(96), stats.memory.with_swap.limit);
  EXPECT_EQ(9U, stats.pids.limit);
  EXPECT_THAT(held(group, "cpu", "cpu.cfs_quota_us", "cpu.max"), ::testing::StartsWith("20000"));
}

TEST_P(EachDriver, UpdateThatIsRefusedChangesNothing) {
  NEED(true);
  Cgroup group = make();
  group.apply({.memory = {.limit = mib(32), .swap = mib(32)}, .cpu = {.shares = 512}, .pids = 9});
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  const std::string shares = held(group, "cpu", "cpu.shares", "cpu.weight");
  (void)error_of(ErrorKind::unavailable, [&] {
    group.update({.memory = {.limit = mib(64), .swap = mib(128)},
                  .cpu = {.shares = 2048},
                  .pids = 50,
                  .hugetlb = {{"7MB", Bytes{0}}}});
  });
  const Stats stats = group.stats();
  EXPECT_EQ(mib(32), stats.memory.limit);
  EXPECT_EQ(mib(32), stats.memory.with_swap.limit);
  EXPECT_EQ(9U, stats.pids.limit);
  EXPECT_EQ(shares, held(group, "cpu", "cpu.shares", "cpu.weight"));
  group.kill_all();
}

TEST_P(EachDriver, LimitBelowWhatIsInUseIsRefusedAndTheOldOneStays) {
  NEED(true);
  covers("update below what is in use");
  clear_board();
  Cgroup group = make();
  group.apply({.memory = {.limit = mib(48), .swap = mib(48)}, .pids = 9});
  Process child = start_in(group, [] {
    hold(32 << 20);
    board->ready = true;
    return wait_for_death();
  });
  ASSERT_TRUE(eventually([] { return board->ready.load(); }));
  try {
    group.update(
        {.memory = {.limit = mib(8), .swap = mib(8), .check_before_update = true}, .pids = 5});
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("in use"));
  }
  EXPECT_EQ(mib(48), group.stats().memory.limit);
  EXPECT_EQ(9U, group.stats().pids.limit);
  EXPECT_THAT(group.processes(), ::testing::Contains(child.pid())) << "and nobody was killed";
  group.kill_all();
}

class V1Limits : public Groups {
 protected:
  void SetUp() override { need(Version::v1, true); }
};

TEST_F(V1Limits, SwappinessAndTcpBuffersAreTold) {
  covers("memory: swappiness");
  covers("memory: TCP buffers");
  const Cgroup group = make();
  group.apply({.memory = {.kernel_tcp = mib(1), .swappiness = 7}});
  EXPECT_EQ("7", held(group, "memory", "memory.swappiness", ""));
  EXPECT_EQ(mib(1), group.stats().memory.kernel_tcp.limit);
}

TEST_F(V1Limits, HogWaitsWhereNobodyIsKilled) {
  covers("memory: OOM killer disabled");
  Cgroup group = make();
  group.apply({.memory = {.limit = mib(16), .swap = mib(16), .disable_oom_killer = true}});
  Process hog = start_in(group, be_a_hog);
  EXPECT_TRUE(eventually([&] {
    return held(group, "memory", "memory.oom_control", "").find("under_oom 1") != std::string::npos;
  }));
  EXPECT_EQ(0U, group.stats().memory.oom_kills);
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(hog).signal);
}

TEST_F(V1Limits, RealtimeTaskNeedsRealtimeTime) {
  covers("cpu: realtime");
  Cgroup group = make();
  const auto become_realtime = [] {
    const struct sched_param priority{.sched_priority = 1};
    return ::sched_setscheduler(0, SCHED_FIFO, &priority) == 0 ? 0 : errno;
  };
  Process without = start_in(group, become_realtime);
  EXPECT_EQ(EPERM, end_of(without).code);
  const Limits limits{
      .cpu = {.realtime_runtime = microseconds(10'000), .realtime_period = microseconds(500'000)}};
  try {
    group.apply(limits);
    ADD_FAILURE() << "the group above has none";
  } catch (const SystemError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the groups above must have as much realtime time"));
  }
  const std::string above = group.location().find("cpu")->mount + test_prefix();
  write_text(above + "/cpu.rt_runtime_us", "100000");
  group.apply(limits);
  Process with = start_in(group, become_realtime);
  EXPECT_EQ(0, end_of(with).code);
}

TEST_F(V1Limits, FilesOfV2AreRefused) {
  lacks("unified", "files of v2");
  const Cgroup group = make();
  const std::string error =
      error_of(ErrorKind::unavailable, [&] { group.apply({.unified = {{"memory.high", "1"}}}); });
  EXPECT_THAT(error, HasSubstr("memory.high: a file of cgroup v2"));
}

TEST_F(V1Limits, WhatNoMachineOfOursMountsIsMissedByName) {
  lacks("hugetlb", "not mounted as v1 on the machines we test on");
  lacks("rdma", "not mounted as v1 on the machines we test on");
  for (const char* missing : {"hugetlb", "rdma"}) {
    std::erase_if(layout_.hierarchies,
                  [&](const Hierarchy& h) { return names_controller(h.controllers, missing); });
  }
  const Cgroup group = make();
  EXPECT_THAT(
      error_of(ErrorKind::unavailable, [&] { group.apply({.hugetlb = {{"2MB", Bytes{0}}}}); }),
      HasSubstr("no hugetlb controller"));
  EXPECT_THAT(error_of(ErrorKind::unavailable,
                       [&] { group.apply({.rdma = {{.device = "mlx", .handles = 1}}}); }),
              HasSubstr("no rdma controller"));
}

class V2Limits : public EachDriver {};
INSTANTIATE_TEST_SUITE_P(Cgroup, V2Limits, ::testing::Values(Version::v2, Version::systemd),
                         name_of);

TEST_P(V2Limits, WhatOnlyV1HasIsRefusedByName) {
  NEED(true);
  lacks("memory: swappiness", "v2 has none");
  lacks("memory: TCP buffers", "v2 has none");
  lacks("memory: OOM killer disabled", "v2 always kills at memory.max");
  lacks("cpu: realtime", "v2 has none");
  const Cgroup group = make();
  for (const auto& [limits, name] :
       {std::pair<Limits, const char*>{{.memory = {.swappiness = 7}}, "memory swappiness"},
        {{.memory = {.kernel_tcp = mib(1)}}, "TCP buffers"},
        {{.memory = {.disable_oom_killer = true}}, "disabled OOM killer"},
        {{.cpu = {.realtime_runtime = microseconds(1000)}}, "realtime"}}) {
    EXPECT_THAT(error_of(ErrorKind::unavailable, [&] { group.apply(limits); }), HasSubstr(name));
  }
}

TEST_P(EachDriver, SwapWithoutAMemoryLimitIsRefused) {
  NEED(true);
  const Cgroup group = make();
  const Limits limits{.memory = {.swap = mib(16)}};
  (void)error_of(ErrorKind::invalid_argument, [&] { group.apply(limits); });
  EXPECT_THROW(group.update(limits), Error);
}

TEST_P(V2Limits, AnyFileMayBeWritten) {
  NEED(true);
  covers("unified");
  const Cgroup group = make();
  group.apply({.unified = {{"memory.high", "8388608"}, {"cgroup.max.depth", "3"}}});
  EXPECT_EQ("8388608", held(group, "memory", "", "memory.high"));
  EXPECT_EQ("3", held(group, "memory", "", "cgroup.max.depth"));
  EXPECT_THAT(
      error_of(ErrorKind::unavailable, [&] { group.apply({.unified = {{"memory.no", "1"}}}); }),
      HasSubstr("the memory controller of this kernel has no such file"));
}

TEST_P(V2Limits, HugePagesBeyondTheLimitCannotBeMapped) {
  NEED(true);
  covers("hugetlb");
  const std::string pages = "/proc/sys/vm/nr_hugepages";
  const std::string before = read_text(pages);
  write_text(pages, "4");
  Cgroup group = make();
  group.apply({.hugetlb = {{"2MB", mib(2)}}});
  Process child = start_in(group, [] {
    const auto map = [](std::size_t size) {
      return ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) != MAP_FAILED;
    };
    if (!map(2 << 20)) return 1;
    return map(2 << 20) ? 2 : errno;
  });
  EXPECT_EQ(ENOMEM, end_of(child).code);
  EXPECT_EQ(mib(2), group.stats().hugetlb.at("2MB").limit);
  write_text(pages, before);
}

TEST_P(V2Limits, RdmaDeviceThatIsNotThereIsNamed) {
  NEED(true);
  lacks("rdma", "no RDMA device on the machines we test on");
  const Cgroup group = make();
  try {
    group.apply({.rdma = {{.device = "none0", .handles = 1}}});
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("RDMA limit"));
  }
}

}  // namespace
}  // namespace minidocker::cgroups
