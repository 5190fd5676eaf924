#include "../demo/usage.hpp"

#include <chrono>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace minidocker::cgroups::demo {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Sample sample(milliseconds when, milliseconds cpu) {
  Sample sample{std::chrono::steady_clock::time_point(when), {}};
  sample.stats.cpu.usage = cpu;
  sample.stats.memory.usage = Bytes{32 << 20};
  sample.stats.memory.limit = Bytes{64 << 20};
  sample.stats.pids.current = 3;
  return sample;
}

Limits half_a_cpu() {
  Limits limits;
  limits.cpu.quota = microseconds(50'000);
  limits.cpu.period = microseconds(100'000);
  return limits;
}

TEST(Usage, CpuIsTheTimeBetweenTwoLooks) {
  const Sample before = sample(milliseconds(1000), milliseconds(0));
  EXPECT_DOUBLE_EQ(busy_cpus(before, sample(milliseconds(2000), milliseconds(250))).value(), 0.25);
  EXPECT_DOUBLE_EQ(busy_cpus(before, before).value(), 0);
  EXPECT_EQ(busy_cpus(before, Sample{}), std::nullopt);
}

TEST(Usage, AQuotaIsANumberOfCpus) {
  EXPECT_DOUBLE_EQ(granted_cpus(half_a_cpu().cpu).value(), 0.5);
  EXPECT_EQ(granted_cpus({}), std::nullopt);
}

TEST(Usage, ABarIsAsFullAsItsShare) {
  EXPECT_EQ(bar(0, 4), "[....]");
  EXPECT_EQ(bar(0.5, 4), "[##..]");
  EXPECT_EQ(bar(7, 4), "[####]");
  EXPECT_EQ(bar(-1, 4), "[....]");
}

TEST(Usage, BarsAreForWhatIsLimited) {
  const std::string text = as_bars(sample(milliseconds(0), milliseconds(0)),
                                   sample(milliseconds(1000), milliseconds(500)), half_a_cpu());
  const std::string half(20, '#');
  const std::string other(20, '.');
  EXPECT_EQ(text, "memory [" + half + other + "] 32MiB of 64MiB\n" + "CPU    [" + half + half +
                      "] 0.50 CPUs of 0.50 CPUs\n" + "tasks  " + std::string(42, ' ') + " 3\n");
}

TEST(Usage, ALineHoldsTheSame) {
  Sample now = sample(milliseconds(1000), milliseconds(500));
  now.stats.memory.usage.reset();
  EXPECT_EQ(as_line(now, now, {}), "memory not counted, CPU 0.00 CPUs, tasks 3\n");
}

TEST(Usage, TheLastWordIsOfWhatLimitsHaveDone) {
  Stats stats;
  stats.memory.peak = stats.memory.limit = Bytes{16 << 20};
  stats.memory.failures = 9;
  stats.memory.oom_kills = 1;
  stats.cpu.usage = milliseconds(1500);
  stats.cpu.throttled_time = milliseconds(250);
  stats.cpu.throttled_periods = 2;
  stats.cpu.periods = 10;
  stats.pids.limit = 3;
  stats.pids.refused = 2;
  EXPECT_EQ(summary(stats, half_a_cpu()),
            "memory: at most 16MiB of 16MiB, ran into the limit, and was killed for it once\n"
            "CPU: 1.50 s, made to wait 0.25 s in 2 of 10 periods\n"
            "tasks: a new one was refused 2 times\n");
}

TEST(Usage, WithoutLimitsTheLastWordIsShort) {
  Stats stats;
  stats.memory.peak = Bytes{1 << 20};
  stats.cpu.usage = milliseconds(10);
  EXPECT_EQ(summary(stats, {}), "memory: at most 1MiB\nCPU: 0.01 s\n");
  EXPECT_EQ(summary({}, {}), "memory: peak not counted\nCPU: not counted\n");
}

}  // namespace
}  // namespace minidocker::cgroups::demo
