// What the v2 driver makes of the files it finds, in plain directories: which files there are, and
// what stands in them, is the kernel's; how we read them is ours, and needs no kernel.
#include <sys/stat.h>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::cgroups {
namespace {

using namespace std::chrono_literals;

class V2Files : public ::testing::Test {
 protected:
  [[nodiscard]] Location location() const { return {Mode::v2, {{"", dir_.path(), "/a/web"}}}; }
  [[nodiscard]] std::string path() const { return dir_.path() + "/a/web"; }
  void write(const std::string& name, const std::string& text) const {
    testing::write_text(path() + "/" + name, text);
  }

  TempDir dir_;
};

TEST_F(V2Files, StatisticsAreWhatTheFilesSay) {
  const Cgroup group = Cgroup::create(location());
  write("memory.current", "1048576\n");
  write("memory.peak", "2097152\n");
  write("memory.max", "4194304\n");
  write("memory.events", "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\n");
  write("cpu.stat", "usage_usec 1500\nnr_periods 20\nnr_throttled 5\nthrottled_usec 700\n");
  write("pids.current", "3\n");
  write("pids.max", "32\n");
  const Stats stats = group.stats();
  EXPECT_EQ(Bytes{1048576}, stats.memory.usage);
  EXPECT_EQ(Bytes{2097152}, stats.memory.peak);
  EXPECT_EQ(Bytes{4194304}, stats.memory.limit);
  EXPECT_EQ(1U, stats.memory.oom_kills);
  EXPECT_EQ(1500us, stats.cpu.usage);
  EXPECT_EQ(20U, stats.cpu.periods);
  EXPECT_EQ(5U, stats.cpu.throttled_periods);
  EXPECT_EQ(700us, stats.cpu.throttled_time);
  EXPECT_EQ(3U, stats.pids.current);
  EXPECT_EQ(32U, stats.pids.limit);
}

TEST_F(V2Files, StatisticsThatAreNotKeptAreAbsent) {
  const Cgroup group = Cgroup::create(location());
  write("memory.max", "max\n");
  const Stats stats = group.stats();
  EXPECT_FALSE(stats.memory.usage);
  EXPECT_FALSE(stats.memory.limit);
  EXPECT_FALSE(stats.cpu.usage);
  EXPECT_FALSE(stats.pids.current);
}

TEST_F(V2Files, WhatIsNotHandedDownIsMissedByTheLimitThatNeedsIt) {
  testing::write_text(dir_.path() + "/cgroup.controllers", "cpu memory pids\n");
  const Cgroup group = Cgroup::create(location());  // there is no cgroup.subtree_control to write
  Limits limits;
  limits.pids = 7;
  try {
    group.apply(limits);
    FAIL() << "a limit without a controller was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("pids.max"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("cgroup.subtree_control"));
  }
}

TEST_F(V2Files, AFrozenGroupThatWasThereIsRefused) {
  ASSERT_EQ(0, ::mkdir((dir_.path() + "/a").c_str(), 0755));
  ASSERT_EQ(0, ::mkdir(path().c_str(), 0755));
  write("cgroup.procs", "");
  write("cgroup.events", "populated 0\nfrozen 1\n");
  EXPECT_THROW((void)Cgroup::create(location()), Error);
}

}  // namespace
}  // namespace minidocker::cgroups
