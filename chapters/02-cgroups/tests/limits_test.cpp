#include "minidocker/cgroups/limits.hpp"

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::microseconds;

using Texts = std::vector<std::pair<std::string, std::string>>;

Texts texts(const std::vector<ControlWrite>& writes) {
  Texts texts;
  for (const ControlWrite& write : writes) texts.emplace_back(write.file, write.value);
  return texts;
}

Limits memory(MemoryLimits values) { return {values, {}, {}}; }
Limits cpu(CpuLimits values) { return {{}, values, {}}; }
Limits pids(std::int64_t value) { return {{}, {}, value}; }

TEST(Limits, V1MemoryWithSwapCanBeWrittenInEitherOrder) {
  const auto writes = v1_writes(memory({Bytes{1000}, Bytes{500}, Bytes{1500}}));
  EXPECT_EQ((Texts{{"memory.limit_in_bytes", "1000"},
                   {"memory.memsw.limit_in_bytes", "1500"},
                   {"memory.soft_limit_in_bytes", "500"}}),
            texts(writes));
  EXPECT_TRUE(writes[0].with_next);
  EXPECT_FALSE(writes[1].optional);
}

TEST(Limits, V1UnlimitedMemoryTakesUnsetSwapAlong) {
  const auto writes = v1_writes(memory({kUnlimited, {}, {}}));
  EXPECT_EQ((Texts{{"memory.limit_in_bytes", "-1"}, {"memory.memsw.limit_in_bytes", "-1"}}),
            texts(writes));
  EXPECT_TRUE(writes[0].with_next);
  EXPECT_TRUE(writes[1].optional);
}

TEST(Limits, V1CpuIsSharesPeriodQuotaAndBurst) {
  EXPECT_EQ(
      (Texts{{"cpu.shares", "512"},
             {"cpu.cfs_period_us", "50000"},
             {"cpu.cfs_quota_us", "25000"},
             {"cpu.cfs_burst_us", "1000"}}),
      texts(v1_writes(cpu({512, microseconds(25'000), microseconds(50'000), microseconds(1000)}))));
  EXPECT_EQ((Texts{{"cpu.cfs_quota_us", "-1"}}), texts(v1_writes(cpu({{}, kNoQuota, {}, {}}))));
}

TEST(Limits, V2SwapIsWhatIsLeftBesideMemory) {
  EXPECT_EQ((Texts{{"memory.swap.max", "1000"}, {"memory.max", "1000"}, {"memory.low", "500"}}),
            texts(v2_writes(memory({Bytes{1000}, Bytes{500}, Bytes{2000}}))));
  EXPECT_EQ((Texts{{"memory.swap.max", "0"}, {"memory.max", "1000"}}),
            texts(v2_writes(memory({Bytes{1000}, {}, Bytes{1000}}))));
  EXPECT_EQ((Texts{{"memory.swap.max", "max"}, {"memory.max", "max"}}),
            texts(v2_writes(memory({kUnlimited, {}, kUnlimited}))));
}

TEST(Limits, SwapThatIsNotAccountedIsAnErrorOnlyForWhoWantsACertainAmount) {
  for (const auto& [swap, optional] : {std::pair<Bytes, bool>{Bytes{1000}, true},
                                       {Bytes{2000}, true},
                                       {kUnlimited, true},
                                       {Bytes{1500}, false},
                                       {Bytes{2001}, false}}) {
    EXPECT_EQ(optional, v1_writes(memory({Bytes{1000}, {}, swap}))[1].optional) << swap.value;
    EXPECT_EQ(optional, v2_writes(memory({Bytes{1000}, {}, swap}))[0].optional) << swap.value;
  }
  EXPECT_TRUE(v2_writes(memory({{}, {}, kUnlimited}))[0].optional);
}

TEST(Limits, V2CpuIsAWeightAndAPair) {
  EXPECT_EQ(
      (Texts{{"cpu.weight", "59"}, {"cpu.max", "25000 50000"}, {"cpu.max.burst", "1000"}}),
      texts(v2_writes(cpu({512, microseconds(25'000), microseconds(50'000), microseconds(1000)}))));
  EXPECT_EQ((Texts{{"cpu.max", "25000 100000"}}),
            texts(v2_writes(cpu({{}, microseconds(25'000), {}, {}}))));
  EXPECT_EQ((Texts{{"cpu.max", "max 50000"}}),
            texts(v2_writes(cpu({{}, {}, microseconds(50'000), {}}))));
  EXPECT_EQ((Texts{{"cpu.max", "max 100000"}}), texts(v2_writes(cpu({{}, kNoQuota, {}, {}}))));
}

TEST(Limits, PidsHaveMinusOneForMaxAndNoLessThanOne) {
  for (const auto& [value, text] :
       {std::pair<std::int64_t, const char*>{-1, "max"}, {0, "1"}, {7, "7"}}) {
    EXPECT_EQ((Texts{{"pids.max", text}}), texts(v1_writes(pids(value))));
    EXPECT_EQ((Texts{{"pids.max", text}}), texts(v2_writes(pids(value))));
  }
}

TEST(Limits, ZeroMeansNotSetExceptForPids) {
  const Limits limits{
      {Bytes{0}, Bytes{0}, Bytes{0}}, {0, microseconds(0), microseconds(0), microseconds(0)}, {}};
  EXPECT_NO_THROW(validate(limits));
  EXPECT_TRUE(v1_writes(limits).empty());
  EXPECT_TRUE(v2_writes(limits).empty());
  EXPECT_EQ("", limits.in_words());
  EXPECT_EQ("a limit of processes", pids(0).in_words());
}

TEST(Limits, AreNamedForErrors) {
  EXPECT_EQ("a memory limit and a CPU limit and a limit of processes",
            (Limits{{Bytes{1}, {}, {}}, {5, {}, {}, {}}, 1}).in_words());
  EXPECT_EQ("a memory limit", memory({{}, Bytes{1}, {}}).in_words());
  EXPECT_EQ("a CPU limit", cpu({{}, {}, microseconds(1000), {}}).in_words());
}

TEST(Limits, ContradictionsAreRefused) {
  for (const Limits& limits :
       {memory({{}, {}, Bytes{1000}}), memory({Bytes{1000}, {}, Bytes{999}}), pids(-2),
        cpu({{}, microseconds(999), {}, {}}), cpu({{}, {}, microseconds(999), {}}),
        cpu({{}, {}, microseconds(1'000'001), {}}), cpu({{}, microseconds(-2), {}, {}}),
        cpu({{}, microseconds(1000), {}, microseconds(1001)})}) {
    EXPECT_THROW(validate(limits), Error);
  }
}

TEST(Limits, SensibleOnesAreTaken) {
  EXPECT_NO_THROW(validate(memory({Bytes{1000}, {}, Bytes{1000}})));
  EXPECT_NO_THROW(validate(memory({{}, {}, kUnlimited})));
  EXPECT_NO_THROW(validate(cpu({2, kNoQuota, microseconds(1'000'000), microseconds(1)})));
  EXPECT_NO_THROW(validate(pids(-1)));
}

TEST(CpuWeight, GoesThroughTheThreePointsThatMustHold) {
  for (const auto& [shares, weight] : {std::pair<std::uint64_t, std::uint64_t>{2, 1},
                                       {100, 17},
                                       {512, 59},
                                       {1024, 100},
                                       {2048, 174},
                                       {262'144, 10'000}}) {
    EXPECT_EQ(weight, weight_of_shares(shares)) << shares;
  }
}

TEST(CpuWeight, IsClampedAndNeverFalls) {
  EXPECT_EQ(1U, weight_of_shares(0));
  EXPECT_EQ(10'000U, weight_of_shares(1U << 30));
  std::uint64_t before = 0;
  for (std::uint64_t shares = 1; shares < 300'000; shares += 7) {
    const std::uint64_t weight = weight_of_shares(shares);
    ASSERT_GE(weight, before) << shares;
    ASSERT_LE(weight, 10'000U) << shares;
    before = weight;
  }
}

}  // namespace
}  // namespace minidocker::cgroups
