// Statistics against what was done, on v1 and v2.
#include <chrono>
#include <optional>

#include <gmock/gmock.h>

#include "work.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::milliseconds;

TEST_P(EachDriver, StatisticsMoveWithWhatIsInTheGroup) {
  NEED(true);
  Cgroup group = make();
  EXPECT_EQ(residents(), group.stats().pids.current);
  // systemd has a limit for whoever names none, DefaultTasksMax.
  EXPECT_EQ(GetParam() == Version::systemd, group.stats().pids.limit.has_value());
  EXPECT_EQ(std::nullopt, group.stats().memory.limit);
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  EXPECT_EQ(residents() + 1, group.stats().pids.current);
  EXPECT_TRUE(group.stats().memory.usage);
  group.kill_all();
}

TEST_P(EachDriver, MemoryIsCountedByKind) {
  NEED(true);
  covers("statistics: memory");
  clear_board();
  Cgroup group = make();
  group.apply({.memory = {.limit = Bytes{64 << 20}}});
  Process child = start_in(group, [] {
    hold(16 << 20);
    board->ready = true;
    return wait_for_death();
  });
  ASSERT_TRUE(eventually([] { return board->ready.load(); }));
  const MemoryStats memory = group.stats().memory;
  EXPECT_GE(memory.usage, Bytes{16 << 20});
  EXPECT_GE(memory.rss, Bytes{15 << 20}) << "counted in batches, so a little late";
  EXPECT_EQ(Bytes{64 << 20}, memory.limit);
  EXPECT_EQ(0U, memory.failures);
  EXPECT_TRUE(memory.cache);
  EXPECT_TRUE(memory.inactive_file);
  EXPECT_GE(memory.with_swap.usage, memory.usage);
  EXPECT_FALSE(memory.details.empty());
  group.kill_all();
}

TEST_P(EachDriver, ProcessorTimeIsCountedByMode) {
  NEED(true);
  covers("statistics: processor time");
  clear_board();
  Cgroup group = make();
  Process child = start_in(group, [] { return spin(0, 200); });
  start_race();
  EXPECT_EQ(0, end_of(child).code);
  const CpuStats cpu = group.stats().cpu;
  // What the child has told of itself; how much that is depends on what else runs here.
  const std::chrono::nanoseconds used(board->cpu_ns[0]);
  EXPECT_GE(cpu.usage, used);
  EXPECT_LT(cpu.usage, used + milliseconds(50));
  EXPECT_GT(cpu.user.value() + cpu.kernel.value(), used / 2);
  EXPECT_FALSE(cpu.cpus.empty());
  if (GetParam() != Version::v1) return;
  std::chrono::nanoseconds sum{};
  for (const std::chrono::nanoseconds time : cpu.per_cpu) sum += time;
  EXPECT_EQ(cpu.usage, sum);
  EXPECT_EQ(cpu.per_cpu.size(), cpu.per_cpu_user.size());
}

TEST_P(EachDriver, RefusedForksAreCounted) {
  NEED(true);
  covers("statistics: processes");
  Cgroup group = make();
  group.apply({.pids = residents() + 1});
  Process child = start_in(group, [] { return ::fork() < 0 ? errno : 0; });
  EXPECT_EQ(EAGAIN, end_of(child).code);
  EXPECT_EQ(1U, group.stats().pids.refused);
}

class V2Stats : public EachDriver {};
INSTANTIATE_TEST_SUITE_P(Cgroup, V2Stats, ::testing::Values(Version::v2, Version::systemd),
                         name_of);

TEST_P(V2Stats, PressureIsToldWhereTheKernelMeasuresIt) {
  NEED(true);
  covers("statistics: pressure");
  const Cgroup group = make();
  const bool measured = exists("/proc/pressure/cpu");
  const Stats stats = group.stats();
  EXPECT_EQ(measured, stats.cpu.pressure.has_value());
  EXPECT_EQ(measured, stats.memory.pressure.has_value());
  EXPECT_EQ(measured, stats.io.pressure.has_value());
}

class V1Stats : public Groups {
 protected:
  void SetUp() override { need(Version::v1, true); }
};

TEST_F(V1Stats, HaveNoPressure) {
  lacks("statistics: pressure", "v1 has none");
  const Stats stats = make().stats();
  EXPECT_FALSE(stats.cpu.pressure);
  EXPECT_FALSE(stats.memory.pressure);
}

}  // namespace
}  // namespace minidocker::cgroups
