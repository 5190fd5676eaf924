// What the v2 driver makes of the files it finds, in plain directories: which files there are, and
// what stands in them, is the kernel's; how we read them is ours, and needs no kernel.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>

#include <gmock/gmock.h>

#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

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

TEST_F(V2Files, SwapIsAddedUpAsV1CountsIt) {
  const Cgroup group = Cgroup::create(location());
  write("memory.current", "1000\n");
  write("memory.max", "4000\n");
  write("memory.swap.current", "200\n");
  write("memory.swap.max", "600\n");
  write("memory.swap.events", "high 0\nmax 2\nfail 3\n");
  const MemoryStats memory = group.stats().memory;
  EXPECT_EQ(Bytes{200}, memory.swap);
  EXPECT_EQ(Bytes{1200}, memory.with_swap.usage);
  EXPECT_EQ(Bytes{4600}, memory.with_swap.limit);
  EXPECT_EQ(2U, memory.with_swap.failures);
  write("memory.swap.max", "max\n");
  EXPECT_EQ(std::nullopt, group.stats().memory.with_swap.limit);
}

TEST_F(V2Files, StatisticsOfEveryKindAreFound) {
  const Cgroup group = Cgroup::create(location());
  write("memory.stat", "anon 10\nfile 20\nkernel 30\nsock 40\ninactive_file 5\n");
  write("memory.pressure", "some avg10=1.00 avg60=0.00 avg300=0.00 total=5\n");
  write("cpu.stat", "usage_usec 9\nuser_usec 6\nsystem_usec 3\nnr_bursts 2\nburst_usec 8\n");
  write("cpu.pressure", "some avg10=2.00 avg60=0.00 avg300=0.00 total=6\n");
  write("cpuset.cpus.effective", "0-3\n");
  write("cpuset.mems.effective", "0\n");
  write("pids.events", "max 4\n");
  write("io.stat", "8:0 rbytes=1 wios=2\n");
  write("io.pressure", "some avg10=3.00 avg60=0.00 avg300=0.00 total=7\n");
  write("hugetlb.2MB.current", "2097152\n");
  write("hugetlb.2MB.max", "4194304\n");
  write("hugetlb.2MB.rsvd.max", "max\n");
  write("hugetlb.2MB.events", "max 6\n");
  write("rdma.current", "mlx hca_handle=1 hca_object=2\n");
  const Stats stats = group.stats();
  EXPECT_EQ(Bytes{10}, stats.memory.rss);
  EXPECT_EQ(Bytes{20}, stats.memory.cache);
  EXPECT_EQ(Bytes{30}, stats.memory.kernel.usage);
  EXPECT_EQ(Bytes{40}, stats.memory.kernel_tcp.usage);
  EXPECT_EQ(Bytes{5}, stats.memory.inactive_file);
  EXPECT_EQ(1.0, stats.memory.pressure->some.avg10);
  EXPECT_EQ(6us, stats.cpu.user);
  EXPECT_EQ(3us, stats.cpu.kernel);
  EXPECT_EQ(2U, stats.cpu.bursts);
  EXPECT_EQ(8us, stats.cpu.burst_time);
  EXPECT_EQ(2.0, stats.cpu.pressure->some.avg10);
  EXPECT_EQ("0-3", stats.cpu.cpus);
  EXPECT_EQ("0", stats.cpu.mems);
  EXPECT_EQ(4U, stats.pids.refused);
  EXPECT_EQ(1U, stats.io.bytes.front().value);
  EXPECT_EQ(2U, stats.io.operations.front().value);
  EXPECT_EQ(3.0, stats.io.pressure->some.avg10);
  ASSERT_EQ(1U, stats.hugetlb.size()) << "what is reserved is no size of its own";
  EXPECT_EQ(Bytes{2097152}, stats.hugetlb.at("2MB").usage);
  EXPECT_EQ(Bytes{4194304}, stats.hugetlb.at("2MB").limit);
  EXPECT_EQ(6U, stats.hugetlb.at("2MB").failures);
  EXPECT_EQ(1U, stats.rdma.at("mlx").handles);
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

// Older kernels let a fork that is under way escape: whoever lives on is killed again.
TEST_F(V2Files, AGroupThatDoesNotGetEmptyIsKilledAgainAndNamed) {
  ASSERT_EQ(0, ::mkdir((dir_.path() + "/a").c_str(), 0755));
  ASSERT_EQ(0, ::mkdir(path().c_str(), 0755));
  write("cgroup.events", "populated 1\nfrozen 0\n");
  write("cgroup.procs", "7\n");
  ASSERT_EQ(0, ::mkfifo((path() + "/cgroup.kill").c_str(), 0600));
  const UniqueFd kills(::open((path() + "/cgroup.kill").c_str(), O_RDWR | O_CLOEXEC));
  try {
    Cgroup::reopen(location()).kill_all(400ms);
    FAIL() << "it is not empty";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("processes 7 do not end"));
  }
  std::string written(16, '\0');
  written.resize(static_cast<std::size_t>(::read(kills.get(), written.data(), written.size())));
  EXPECT_THAT(written, ::testing::StartsWith("11"));
}

TEST_F(V2Files, WhereNobodyCanBeKilledAtOnceIsSaid) {
  ASSERT_EQ(0, ::mkdir((dir_.path() + "/a").c_str(), 0755));
  ASSERT_EQ(0, ::mkdir(path().c_str(), 0755));
  try {
    Cgroup::reopen(location()).kill_all();
    FAIL() << "nobody was killed";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("cgroup.kill"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("the root of a hierarchy"));
  }
}

}  // namespace
}  // namespace minidocker::cgroups
