// The container's cgroup: limits read back from the kernel's files, device rules by trying.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "minidocker/toolbox/files.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using nlohmann::json;
using testing::CommandResult;

class Limits : public RuncTest {
 protected:
  void SetUp() override {
    MD_NEEDS("cgroup1");
    RuncTest::SetUp();
  }
  // A file of the container's group in a v1 hierarchy, without the line's end.
  static std::string group_file(pid_t pid, const std::string& controller, const std::string& file) {
    const std::string path = "/sys/fs/cgroup/" + controller + testing::cgroups_of(pid)[controller];
    std::string text = testing::read_text(path + "/" + file);
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }
};

TEST_F(Limits, MemoryAndSwapAreTheKernels) {
  (*bundle_)["linux"]["resources"]["memory"] = {
      {"limit", 67108864}, {"reservation", 33554432}, {"swap", 134217728}};
  const pid_t pid = run_detached();
  ASSERT_GT(pid, 0);
  EXPECT_EQ(group_file(pid, "memory", "memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(group_file(pid, "memory", "memory.soft_limit_in_bytes"), "33554432");
}

TEST_F(Limits, CpuTimeIsTheKernels) {
  (*bundle_)["linux"]["resources"]["cpu"] = {{"shares", 512}, {"quota", 50000}, {"period", 100000}};
  const pid_t pid = run_detached();
  ASSERT_GT(pid, 0);
  EXPECT_EQ(group_file(pid, "cpu", "cpu.shares"), "512");
  EXPECT_EQ(group_file(pid, "cpu", "cpu.cfs_quota_us"), "50000");
  EXPECT_EQ(group_file(pid, "cpu", "cpu.cfs_period_us"), "100000");
}

TEST_F(Limits, EveryLimitOfVersionOneIsTheKernels) {
  json& resources = (*bundle_)["linux"]["resources"];
  resources["memory"] = {
      {"limit", 67108864}, {"kernelTCP", 33554432}, {"swappiness", 7}, {"disableOOMKiller", true}};
  resources["cpu"] = {
      {"quota", 50000}, {"period", 100000}, {"burst", 20000}, {"cpus", "0"}, {"mems", "0"}};
  const pid_t pid = run_detached();
  ASSERT_GT(pid, 0);
  EXPECT_EQ(group_file(pid, "memory", "memory.kmem.tcp.limit_in_bytes"), "33554432");
  EXPECT_EQ(group_file(pid, "memory", "memory.swappiness"), "7");
  EXPECT_TRUE(group_file(pid, "memory", "memory.oom_control").starts_with("oom_kill_disable 1"));
  EXPECT_EQ(group_file(pid, "cpu", "cpu.cfs_burst_us"), "20000");
  EXPECT_EQ(group_file(pid, "cpuset", "cpuset.cpus"), "0");
  EXPECT_EQ(group_file(pid, "cpuset", "cpuset.mems"), "0");
}

TEST_F(Limits, AnIdleGroupRunsWhenNobodyElseWants) {
  (*bundle_)["linux"]["resources"]["cpu"] = {{"idle", 1}};
  const pid_t pid = run_detached();
  ASSERT_GT(pid, 0);
  EXPECT_EQ(group_file(pid, "cpu", "cpu.idle"), "1");
}

TEST_F(Limits, ALimitOnADiskIsTheKernels) {
  MD_NEEDS("disk");
  struct stat disk{};
  ASSERT_EQ(::stat(testing::path_of("disk").c_str(), &disk), 0);
  const json numbers = {{"major", major(disk.st_rdev)}, {"minor", minor(disk.st_rdev)}};
  json throttle = numbers;
  throttle["rate"] = 1048576;
  (*bundle_)["linux"]["resources"]["blockIO"] = {
      {"throttleReadBpsDevice", json::array({throttle})},
      {"throttleWriteIOPSDevice", json::array({throttle})}};
  const pid_t pid = run_detached();
  ASSERT_GT(pid, 0);
  const std::string line = fmt::format("{}:{} 1048576", major(disk.st_rdev), minor(disk.st_rdev));
  EXPECT_EQ(group_file(pid, "blkio", "blkio.throttle.read_bps_device"), line);
  EXPECT_EQ(group_file(pid, "blkio", "blkio.throttle.write_iops_device"), line);
}

TEST_F(Limits, WhatThisHostHasNotIsRefusedByNameAndLeavesNothing) {
  const auto refusal_of = [this](const json& resources) {
    bundle_->config()["linux"]["resources"] = resources;
    const CommandResult result = run_script("true");
    EXPECT_EQ(result.exit_code, 1) << result.in_words();
    return result.err;
  };
  EXPECT_NE(refusal_of({{"unified", {{"memory.high", "max"}}}}).find("memory.high"),
            std::string::npos);
  EXPECT_NE(refusal_of({{"rdma", {{"mlx5_0", {{"hcaHandles", 3}}}}}}).find("rdma controller"),
            std::string::npos);
  EXPECT_NE(refusal_of({{"network", {{"classID", 5}}}}).find("net_cls"), std::string::npos);
  EXPECT_TRUE(cgroup_dirs(id_).empty());
}

TEST_F(Limits, AForkBombStopsAtThePidsLimit) {
  (*bundle_)["linux"]["resources"]["pids"] = {{"limit", 5}};
  const CommandResult result =
      run_script("for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; echo unreached");
  EXPECT_NE(result.out, "unreached\n") << result.in_words();
  EXPECT_NE(result.err.find("fork"), std::string::npos) << result.err;
}

TEST_F(Limits, TheMemoryHogIsKilled) {
  (*bundle_)["linux"]["resources"]["memory"] = {{"limit", 16777216}, {"swap", 16777216}};
  bundle_->mount("/scratch", "tmpfs", "tmpfs", {});
  EXPECT_EQ(run_script("head -c 64m /dev/zero >/scratch/x").exit_code, 137);
}

TEST_F(Limits, TheGroupIsTheOneThatWasAskedFor) {
  const std::string path = "/mini-docker/" + other_;
  (*bundle_)["linux"]["cgroupsPath"] = path;
  const pid_t pid = run_detached();
  ASSERT_GT(pid, 0);
  for (const char* controller : {"memory", "cpu", "pids"}) {
    const std::string group = testing::cgroups_of(pid)[controller];
    EXPECT_TRUE(group.ends_with(path)) << controller << " " << group;
  }
  remove(id_);
  EXPECT_TRUE(cgroup_dirs(other_).empty());
}

TEST_F(Limits, ADeviceIsDeniedUnlessARuleAllowsIt) {
  // Major 240 is for local use and has no driver: denied is EPERM, allowed is ENXIO.
  const std::string probe = "mknod /tmp/local c 240 99 && cat /tmp/local";
  for (const char* set : {"bounding", "permitted", "effective"}) {
    (*bundle_)["process"]["capabilities"][set].push_back("CAP_MKNOD");
  }
  CommandResult result = run_script(probe);
  EXPECT_NE(result.err.find("Operation not permitted"), std::string::npos) << result.err;
  (*bundle_)["linux"]["resources"]["devices"].push_back(
      {{"allow", true}, {"type", "c"}, {"major", 240}, {"minor", 99}, {"access", "rwm"}});
  result = run_script("rm -f /tmp/local; " + probe);
  EXPECT_EQ(result.err.find("Operation not permitted"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("No such device"), std::string::npos) << result.err;
}

TEST_F(Limits, LaterDeviceRulesWin) {
  for (const char* set : {"bounding", "permitted", "effective"}) {
    (*bundle_)["process"]["capabilities"][set].push_back("CAP_MKNOD");
  }
  json& rules = (*bundle_)["linux"]["resources"]["devices"];
  rules.push_back(
      {{"allow", true}, {"type", "c"}, {"major", 240}, {"minor", 99}, {"access", "rwm"}});
  rules.push_back(
      {{"allow", false}, {"type", "c"}, {"major", 240}, {"minor", 99}, {"access", "r"}});
  const CommandResult result = run_script("mknod /tmp/local c 240 99 && cat /tmp/local");
  EXPECT_NE(result.err.find("Operation not permitted"), std::string::npos) << result.err;
}

TEST_F(Limits, ADefaultDeviceWorksUnderTheDefaultRules) {
  EXPECT_EQ(output_of("head -c 4 /dev/zero | wc -c; echo x >/dev/null"), "4");
}

TEST_F(Limits, TheGroupFilesystemInsideShowsOnlyTheOwnGroup) {
  (*bundle_)["linux"]["resources"]["memory"] = {{"limit", 67108864}};
  EXPECT_EQ(output_of("cat /sys/fs/cgroup/memory/memory.limit_in_bytes"), "67108864");
  EXPECT_NE(run_script("mkdir /sys/fs/cgroup/memory/x").exit_code, 0);
}

}  // namespace
}  // namespace minidocker::runtime
