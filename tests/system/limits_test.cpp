// Each flag of `run` that limits: what the kernel's own files say of it, and who refuses it.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mini_docker_fixture.hpp"

namespace minidocker::system_test {
namespace {

/// Flags, files of the container's group, and what these then hold.
struct Limit {
  Words flags;
  std::string files;
  std::string text;
};

class LimitFlagTest : public MiniDockerTest {
 protected:
  void expect_limits(const std::vector<Limit>& limits) const {
    for (const Limit& limit : limits) {
      EXPECT_EQ(output(limit.flags, "cd /sys/fs/cgroup && cat " + limit.files), limit.text)
          << limit.flags.front();
    }
  }
  /// A disk's path, and its numbers as the kernel names it.
  static std::pair<std::string, std::string> disk() {
    const std::string path = testing::path_of("disk");
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return {path, fmt::format("{}:{}", major(status.st_rdev), minor(status.st_rdev))};
  }
  /// A group of this test alone; who makes it calls remove_parent().
  static std::string parent() { return "mini-docker-test-" + std::to_string(::getpid()); }
  static void remove_parent() {
    const std::string root = "/sys/fs/cgroup/";
    for (const std::string& group : testing::files_below(root)) {
      if (group.ends_with("/" + parent())) ::rmdir((root + group).c_str());
    }
  }
};

class Cgroup1FlagTest : public LimitFlagTest {
 protected:
  void SetUp() override {
    MD_NEEDS("cgroup1");
    LimitFlagTest::SetUp();
  }
};

TEST_F(Cgroup1FlagTest, MemoryFlagsStandInTheGroup) {
  expect_limits({
      {{"-m", "64m"},
       "memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes",
       "67108864\n134217728\n"},
      {{"-m", "64m", "--memory-swap", "96m"}, "memory/memory.memsw.limit_in_bytes", "100663296\n"},
      {{"-m", "64m", "--memory-swap", "-1"},
       "memory/memory.memsw.limit_in_bytes",
       "9223372036854771712\n"},
      {{"--memory-reservation", "32m"}, "memory/memory.soft_limit_in_bytes", "33554432\n"},
      {{"--memory-swappiness", "7"}, "memory/memory.swappiness", "7\n"},
      {{"-m", "64m", "--oom-kill-disable"},
       "memory/memory.oom_control",
       "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n"},
  });
}

TEST_F(Cgroup1FlagTest, CpuFlagsStandInTheGroup) {
  expect_limits({
      {{"--cpus", "0.5"}, "cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us", "50000\n100000\n"},
      {{"-c", "512"}, "cpu/cpu.shares", "512\n"},
      {{"--cpu-period", "50000", "--cpu-quota", "25000"},
       "cpu/cpu.cfs_period_us cpu/cpu.cfs_quota_us",
       "50000\n25000\n"},
      {{"--cpuset-cpus", "0"}, "cpuset/cpuset.cpus", "0\n"},
      {{"--cpuset-mems", "0"}, "cpuset/cpuset.mems", "0\n"},
      {{"--pids-limit", "20"}, "pids/pids.max", "20\n"},
  });
}

TEST_F(Cgroup1FlagTest, DiskFlagsStandInTheGroup) {
  MD_NEEDS("disk");
  const auto [path, numbers] = disk();
  expect_limits({
      {{"--device-read-bps", path + ":1mb"},
       "blkio/blkio.throttle.read_bps_device",
       numbers + " 1048576\n"},
      {{"--device-write-bps", path + ":2mb"},
       "blkio/blkio.throttle.write_bps_device",
       numbers + " 2097152\n"},
      {{"--device-read-iops", path + ":100"},
       "blkio/blkio.throttle.read_iops_device",
       numbers + " 100\n"},
      {{"--device-write-iops", path + ":200"},
       "blkio/blkio.throttle.write_iops_device",
       numbers + " 200\n"},
  });
}

TEST_F(Cgroup1FlagTest, AWeightNeedsAKernelWithBfq) {
  const Words flags{"--blkio-weight", "500"};
  if (run({}, "test -e /sys/fs/cgroup/blkio/blkio.bfq.weight").exit_code == 0) {
    expect_limits({{flags, "blkio/blkio.bfq.weight", "500\n"}});
  } else {
    expect_refused(run(flags, "true"), 125, "blkio.bfq.weight");
  }
}

TEST_F(Cgroup1FlagTest, TheGroupLiesBelowTheOneThatWasAskedFor) {
  testing::RunningCommand running(
      state().command({"run", "--rm", "-i", "--cgroup-parent", "/" + parent(), "busybox", "sh",
                       "-c", "echo ready; read x"}));
  ASSERT_TRUE(running.read_until("ready")) << running.err();
  const Words hierarchies{"memory", "cpu", "pids", "devices", "freezer"};
  for (const std::string& hierarchy : hierarchies) {
    const std::string group = "/sys/fs/cgroup/" + hierarchy + "/" + parent() + "/";
    const Words ids = testing::lines_of(docker({"ps", "-q", "--no-trunc"}).out);
    ASSERT_EQ(ids.size(), 1U);
    EXPECT_NE(testing::find_text(group + ids[0] + "/cgroup.procs").value_or(""), "") << group;
  }
  running.write("\n");
  EXPECT_EQ(running.wait().exit_code, 0);
  remove_parent();
}

TEST_F(Cgroup1FlagTest, RealtimeTimeIsTakenFromTheGroupAbove) {
  const std::string above = "/sys/fs/cgroup/cpu/" + parent();
  const Words flags{"--cgroup-parent", "/" + parent(),     "--cpu-rt-period",
                    "500000",          "--cpu-rt-runtime", "5000"};
  ASSERT_EQ(::mkdir(above.c_str(), 0755), 0);
  if (testing::find_text(above + "/cpu.rt_runtime_us")) {
    expect_refused(run(flags, "true"), 125, "the groups above must have as much realtime time");
    testing::write_text(above + "/cpu.rt_runtime_us", "20000");
    expect_limits({{flags, "cpu/cpu.rt_period_us cpu/cpu.rt_runtime_us", "500000\n5000\n"}});
  } else {
    expect_refused(run(flags, "true"), 125, "cpu.rt_");
  }
  remove_parent();
}

TEST_F(Cgroup1FlagTest, AHostWithoutTheControllerIsNamed) {
  for (const auto& [hierarchy, flags] :
       {std::pair<std::string, Words>{"blkio", {"--blkio-weight", "500"}},
        {"cpuset", {"--cpuset-cpus", "0"}},
        {"pids", {"--pids-limit", "20"}}}) {
    Words words{
        "unshare", "-m", "sh", "-c", "umount /sys/fs/cgroup/" + hierarchy + " && exec \"$@\"",
        "sh"};
    for (const std::string& word : state().command({"run", "--rm"})) words.push_back(word);
    words.insert(words.end(), flags.begin(), flags.end());
    words.insert(words.end(), {"busybox", "true"});
    expect_refused(testing::run_command(words), 125, "has no " + hierarchy + " controller");
  }
}

class Cgroup2FlagTest : public LimitFlagTest {
 protected:
  void SetUp() override {
    MD_NEEDS("cgroup2");
    LimitFlagTest::SetUp();
  }
};

TEST_F(Cgroup2FlagTest, FlagsStandInTheGroup) {
  expect_limits({
      {{"-m", "64m"}, "memory.max memory.swap.max", "67108864\n67108864\n"},
      {{"-m", "64m", "--memory-swap", "96m"}, "memory.swap.max", "33554432\n"},
      {{"-m", "64m", "--memory-swap", "-1"}, "memory.swap.max", "max\n"},
      {{"--memory-reservation", "32m"}, "memory.low", "33554432\n"},
      {{"--cpus", "0.5"}, "cpu.max", "50000 100000\n"},
      {{"-c", "512"}, "cpu.weight", "59\n"},
      {{"--cpu-period", "50000", "--cpu-quota", "25000"}, "cpu.max", "25000 50000\n"},
      {{"--cpuset-cpus", "0"}, "cpuset.cpus", "0\n"},
      {{"--cpuset-mems", "0"}, "cpuset.mems", "0\n"},
      {{"--pids-limit", "20"}, "pids.max", "20\n"},
  });
}

TEST_F(Cgroup2FlagTest, DiskFlagsStandInTheGroup) {
  MD_NEEDS("disk");
  const auto [path, numbers] = disk();
  expect_limits({
      {{"--device-read-bps", path + ":1mb", "--device-write-bps", path + ":2mb",
        "--device-read-iops", path + ":100", "--device-write-iops", path + ":200"},
       "io.max",
       numbers + " rbps=1048576 wbps=2097152 riops=100 wiops=200\n"},
      {{"--blkio-weight", "500"}, "io.*weight | head -1 | grep -o '[0-9]*$'", "4950\n"},
  });
}

TEST_F(Cgroup2FlagTest, WhatVersionTwoHasNotIsRefusedByName) {
  expect_refused(run({"--memory-swappiness", "7"}, "true"), 125, "memory swappiness");
  expect_refused(run({"-m", "64m", "--oom-kill-disable"}, "true"), 125, "disabled OOM killer");
  expect_refused(run({"--cpu-rt-runtime", "5000"}, "true"), 125, "realtime");
}

TEST_F(LimitFlagTest, TheScoreOfWhoIsKilledFirstIsTheProcesses) {
  EXPECT_EQ(output({"--oom-score-adj", "500"}, "cat /proc/self/oom_score_adj"), "500\n");
}

TEST_F(LimitFlagTest, ADeviceIsThereUnderItsNameAndForWhatItWasGiven) {
  EXPECT_EQ(output({"--device", "/dev/full:/dev/brimful"}, "stat -c '%F %t:%T' /dev/brimful"),
            "character special file 1:7\n");
  const std::string probe =
      "head -c 0 /dev/mine && echo read; true 2>/dev/null >/dev/mine || echo refused";
  MD_NEEDS("disk");
  const std::string path = disk().first;
  EXPECT_EQ(output({"--device", path + ":/dev/mine:r"}, probe), "read\nrefused\n");
  EXPECT_EQ(output({"--device", path + ":/dev/mine"}, probe), "read\n");
}

TEST_F(LimitFlagTest, ADeviceRuleAllowsWhatItNames) {
  // Major 240 is for local use and has no driver: denied is EPERM, allowed is ENXIO.
  const std::string probe = "mknod /tmp/local c 240 99 && cat /tmp/local";
  EXPECT_NE(run({}, probe).err.find("Operation not permitted"), std::string::npos);
  for (const char* rule : {"c 240:99 r", "c 240:* rwm", "c *:* r", "a *:* rwm"}) {
    const CommandResult result = run({"--device-cgroup-rule", rule}, probe);
    EXPECT_NE(result.err.find("No such device or address"), std::string::npos)
        << rule << ": " << result.err;
  }
  const CommandResult other = run({"--device-cgroup-rule", "c 240:98 r"}, probe);
  EXPECT_NE(other.err.find("Operation not permitted"), std::string::npos) << other.err;
}

TEST_F(LimitFlagTest, WhatMakesNoSenseIsRefusedInDockersWordsBeforeAnythingIsMade) {
  const std::vector<std::pair<Words, std::string>> kBad{
      {{"-m", "5m"}, "Minimum memory limit allowed is 6MB"},
      {{"-m", "64m", "--memory-swap", "32m"}, "Minimum memoryswap limit should be larger"},
      {{"--memory-swap", "64m"}, "You should always set the Memory limit when using Memoryswap"},
      {{"--memory-swappiness", "101"}, "invalid value: 101. Valid memory swappiness range"},
      {{"--cpus", "1", "--cpu-quota", "50000"}, "Nano CPUs and CPU Quota cannot both be set"},
      {{"--cpu-period", "5"}, "CPU cfs period can not be less than 1ms"},
      {{"--cpuset-cpus", "4095"}, "Requested CPUs are not available - requested 4095, available: "},
      {{"--cpuset-cpus", "x"}, "Invalid value x for cpuset cpus"},
      {{"--blkio-weight", "5"}, "Range of blkio weight is from 10 to 1000"},
      {{"--oom-score-adj", "1001"}, "range for oom score adj is [-1000, 1000]"},
      {{"--device-cgroup-rule", "c 1:3 x"}, "invalid device cgroup format 'c 1:3 x'"},
      {{"--device", "/dev/nosuch"}, "error gathering device information"},
      {{"--device-read-bps", "/dev/null:1mb"}, "not a block device"},
      {{"--cgroup-parent", "../../out"}, "leads upwards"},
      {{"--kernel-memory", "50m"}, "no kernel since 5.16"},
  };
  for (const auto& [flags, words] : kBad) {
    expect_refused(run(flags, "true"), 125, words);
  }
}

TEST_F(LimitFlagTest, WithoutAMemoryLimitAMissingOomKillerIsWarnedOf) {
  MD_NEEDS("cgroup1");
  const CommandResult result = run({"--oom-kill-disable"}, "true");
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_NE(result.err.find("OOM killer is disabled for the container, but no memory limit"),
            std::string::npos)
      << result.err;
}

}  // namespace
}  // namespace minidocker::system_test
