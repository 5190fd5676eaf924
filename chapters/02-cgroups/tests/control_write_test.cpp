// Limits as the files of both versions: what goes where, and in which words.
#include "control_write.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::microseconds;
using ::testing::HasSubstr;

using Texts = std::vector<std::pair<std::string, std::string>>;

Texts texts(const std::vector<ControlWrite>& writes) {
  Texts texts;
  for (const ControlWrite& write : writes) texts.emplace_back(write.file, write.value);
  return texts;
}
Texts v1(const Limits& limits) { return texts(v1_writes(limits)); }
Texts v2(const Limits& limits) { return texts(v2_writes(limits)); }

Limits memory(MemoryLimits values) { return {.memory = values}; }
Limits cpu(CpuLimits values) { return {.cpu = std::move(values)}; }

template <class Writes>
std::string refusal(Writes writes, const Limits& limits) {
  try {
    (void)writes(limits);
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKind::unavailable, error.kind());
    return error.what();
  }
  return "";
}

const CpuLimits kBandwidth{.shares = 512,
                           .quota = microseconds(25'000),
                           .period = microseconds(50'000),
                           .burst = microseconds(1000)};

TEST(V1Writes, MemoryAndSwapBoundEachOther) {
  const auto writes =
      v1_writes(memory({.limit = Bytes{1000}, .reservation = Bytes{500}, .swap = Bytes{1500}}));
  EXPECT_EQ((Texts{{"memory.limit_in_bytes", "1000"},
                   {"memory.memsw.limit_in_bytes", "1500"},
                   {"memory.soft_limit_in_bytes", "500"}}),
            texts(writes));
  EXPECT_NE(0, writes[0].bound);
  EXPECT_EQ(writes[0].bound, writes[1].bound);
  EXPECT_NE(writes[0].bound, writes[2].bound);
}

TEST(V1Writes, UnlimitedMemoryTakesUnsetSwapAlong) {
  const auto writes = v1_writes(memory({.limit = kUnlimited}));
  EXPECT_EQ((Texts{{"memory.limit_in_bytes", "-1"}, {"memory.memsw.limit_in_bytes", "-1"}}),
            texts(writes));
  EXPECT_EQ(writes[0].bound, writes[1].bound);
  EXPECT_TRUE(writes[1].optional);
}

TEST(V1Writes, HaveWhatOnlyV1Has) {
  EXPECT_EQ((Texts{{"memory.kmem.tcp.limit_in_bytes", "4096"},
                   {"memory.swappiness", "0"},
                   {"memory.oom_control", "1"}}),
            v1(memory({.kernel_tcp = Bytes{4096}, .swappiness = 0, .disable_oom_killer = true})));
  EXPECT_EQ(
      (Texts{{"cpu.rt_period_us", "100000"}, {"cpu.rt_runtime_us", "1000"}}),
      v1(cpu({.realtime_runtime = microseconds(1000), .realtime_period = microseconds(100'000)})));
}

TEST(V1Writes, KillerThatIsNotDisabledIsNoDemand) {
  EXPECT_TRUE(v1_writes(memory({.disable_oom_killer = false}))[0].optional);
  EXPECT_FALSE(v1_writes(memory({.disable_oom_killer = true}))[0].optional);
}

TEST(V1Writes, CpuIsSharesPeriodQuotaAndBurst) {
  EXPECT_EQ((Texts{{"cpu.shares", "512"},
                   {"cpu.cfs_period_us", "50000"},
                   {"cpu.cfs_quota_us", "25000"},
                   {"cpu.cfs_burst_us", "1000"}}),
            v1(cpu(kBandwidth)));
  EXPECT_EQ((Texts{{"cpu.cfs_quota_us", "-1"}}), v1(cpu({.quota = kNoQuota})));
}

TEST(V1Writes, IoRatesAreALineADeviceAndZeroLifts) {
  const auto writes = v1_writes({.io = {.device_weights = {{{8, 0}, 10}},
                                        .read_bytes = {{{8, 0}, 4096}, {{8, 16}, 0}},
                                        .write_bytes = {{{8, 0}, 1}},
                                        .read_operations = {{{8, 0}, 2}},
                                        .write_operations = {{{8, 0}, 3}}}});
  EXPECT_EQ((Texts{{"blkio.bfq.weight_device", "8:0 10"},
                   {"blkio.throttle.read_bps_device", "8:0 4096"},
                   {"blkio.throttle.read_bps_device", "8:16 0"},
                   {"blkio.throttle.write_bps_device", "8:0 1"},
                   {"blkio.throttle.read_iops_device", "8:0 2"},
                   {"blkio.throttle.write_iops_device", "8:0 3"}}),
            texts(writes));
  EXPECT_EQ("8:0 default", writes[0].lift);
  EXPECT_EQ("8:0 0", writes[1].lift);
}

TEST(V1Writes, FilesOfV2AreRefusedByName) {
  EXPECT_THAT(refusal(v1_writes, {.unified = {{"memory.high", "1"}}}),
              HasSubstr("memory.high: a file of cgroup v2"));
}

TEST(V2Writes, SwapIsWhatIsLeftBesideMemory) {
  EXPECT_EQ((Texts{{"memory.swap.max", "1000"}, {"memory.max", "1000"}, {"memory.low", "500"}}),
            v2(memory({.limit = Bytes{1000}, .reservation = Bytes{500}, .swap = Bytes{2000}})));
  EXPECT_EQ((Texts{{"memory.swap.max", "0"}, {"memory.max", "1000"}}),
            v2(memory({.limit = Bytes{1000}, .swap = Bytes{1000}})));
  EXPECT_EQ((Texts{{"memory.swap.max", "max"}, {"memory.max", "max"}}),
            v2(memory({.limit = kUnlimited, .swap = kUnlimited})));
}

TEST(V2Writes, SwapWithoutMemoryCannotBeWorkedOut) {
  EXPECT_THROW((void)v2_writes(memory({.swap = Bytes{2000}})), Error);
}

TEST(V2Writes, CpuIsAWeightAndAPairOfWhichTheSecondMayStay) {
  EXPECT_EQ((Texts{{"cpu.weight", "59"}, {"cpu.max", "25000 50000"}, {"cpu.max.burst", "1000"}}),
            v2(cpu(kBandwidth)));
  EXPECT_EQ((Texts{{"cpu.max", "25000"}}), v2(cpu({.quota = microseconds(25'000)})));
  EXPECT_EQ((Texts{{"cpu.max", "max 50000"}}), v2(cpu({.period = microseconds(50'000)})));
  EXPECT_EQ((Texts{{"cpu.max", "max"}}), v2(cpu({.quota = kNoQuota})));
}

TEST(V2Writes, IoWeightIsBfqsOrElseTheControllersInItsOwnRange) {
  const auto writes = v2_writes({.io = {.weight = 500, .device_weights = {{{8, 0}, 100}}}});
  EXPECT_EQ((Texts{{"io.bfq.weight", "500"}, {"io.bfq.weight", "8:0 100"}}), texts(writes));
  EXPECT_EQ("io.weight", writes[0].other_file);
  EXPECT_EQ("4950", writes[0].other_value);
  EXPECT_EQ("8:0 910", writes[1].other_value);
  EXPECT_EQ("8:0 default", writes[1].lift);
}

TEST(V2Writes, IoRatesAreOfOneFileAndZeroLifts) {
  const auto writes = v2_writes({.io = {.read_bytes = {{{8, 0}, 4096}, {{8, 16}, 0}},
                                        .write_bytes = {{{8, 0}, 1}},
                                        .read_operations = {{{8, 0}, 2}},
                                        .write_operations = {{{8, 0}, 3}}}});
  EXPECT_EQ((Texts{{"io.max", "8:0 rbps=4096"},
                   {"io.max", "8:16 rbps=max"},
                   {"io.max", "8:0 wbps=1"},
                   {"io.max", "8:0 riops=2"},
                   {"io.max", "8:0 wiops=3"}}),
            texts(writes));
  EXPECT_EQ("8:0 rbps=max", writes[0].lift);
}

TEST(V2Writes, UnifiedFilesComeLastAndAsTheyAre) {
  const auto writes =
      v2_writes({.pids = 3, .unified = {{"cgroup.max.depth", "2"}, {"memory.high", "1 "}}});
  EXPECT_EQ((Texts{{"pids.max", "3"}, {"cgroup.max.depth", "2"}, {"memory.high", "1 "}}),
            texts(writes));
  EXPECT_EQ("memory", writes[2].controller);
}

TEST(V2Writes, WhatOnlyV1HasIsRefusedByName) {
  for (const auto& [limits, name] :
       {std::pair<Limits, const char*>{memory({.kernel_tcp = Bytes{1}}), "TCP buffers"},
        {memory({.swappiness = 60}), "memory swappiness"},
        {memory({.disable_oom_killer = true}), "disabled OOM killer"},
        {cpu({.realtime_runtime = microseconds(1)}), "realtime CPU time"}}) {
    EXPECT_THAT(refusal(v2_writes, limits), HasSubstr(name));
  }
  EXPECT_TRUE(v2(memory({.kernel_tcp = Bytes{0}, .disable_oom_killer = false})).empty());
}

TEST(BothWrites, AreAlikeWhereTheFilesAre) {
  const Limits limits{.cpu = {.idle = true, .cpus = "0-2", .mems = "0"},
                      .rdma = {{.device = "mlx", .handles = 2, .objects = 2000}}};
  const Texts expected{{"cpu.idle", "1"},
                       {"cpuset.cpus", "0-2"},
                       {"cpuset.mems", "0"},
                       {"rdma.max", "mlx hca_handle=2 hca_object=2000"}};
  EXPECT_EQ(expected, v1(limits));
  EXPECT_EQ(expected, v2(limits));
}

TEST(BothWrites, PidsHaveMinusOneForMaxAndNoLessThanOne) {
  for (const auto& [value, text] :
       {std::pair<std::int64_t, const char*>{-1, "max"}, {0, "1"}, {7, "7"}}) {
    EXPECT_EQ((Texts{{"pids.max", text}}), v1({.pids = value}));
    EXPECT_EQ((Texts{{"pids.max", text}}), v2({.pids = value}));
  }
}

TEST(BothWrites, HugePagesAreLimitedAlsoWhileOnlyReserved) {
  const Limits limits{.hugetlb = {{"2MB", Bytes{2 << 20}}, {"1GB", kUnlimited}}};
  EXPECT_EQ((Texts{{"hugetlb.2MB.limit_in_bytes", "2097152"},
                   {"hugetlb.2MB.rsvd.limit_in_bytes", "2097152"},
                   {"hugetlb.1GB.limit_in_bytes", "-1"},
                   {"hugetlb.1GB.rsvd.limit_in_bytes", "-1"}}),
            v1(limits));
  EXPECT_EQ((Texts{{"hugetlb.2MB.max", "2097152"},
                   {"hugetlb.2MB.rsvd.max", "2097152"},
                   {"hugetlb.1GB.max", "max"},
                   {"hugetlb.1GB.rsvd.max", "max"}}),
            v2(limits));
  EXPECT_FALSE(v2_writes(limits)[0].optional);
  EXPECT_TRUE(v2_writes(limits)[1].optional) << "kernels before 5.7";
}

TEST(BothWrites, SwapThatIsNotAccountedMissesOnlyWhoWantsSome) {
  for (const auto& [swap, optional] :
       {std::pair<Bytes, bool>{Bytes{1000}, false}, {Bytes{2000}, false}, {kUnlimited, true}}) {
    const Limits limits = memory({.limit = Bytes{1000}, .swap = swap});
    EXPECT_EQ(optional, v1_writes(limits)[1].optional) << swap.value;
    EXPECT_EQ(optional, v2_writes(limits)[0].optional) << swap.value;
  }
  EXPECT_TRUE(v2_writes(memory({.swap = kUnlimited}))[0].optional);
}

TEST(BothWrites, AreNoneForNothing) {
  EXPECT_TRUE(v1({}).empty());
  EXPECT_TRUE(v2({}).empty());
}

}  // namespace
}  // namespace minidocker::cgroups
