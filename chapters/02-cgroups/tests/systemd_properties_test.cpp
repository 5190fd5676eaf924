#include "systemd_properties.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

using namespace std::chrono_literals;
using Type = Property::Type;
using Properties = std::vector<Property>;

constexpr const char* kInfinity = "18446744073709551615";

ControlWrite unified(const char* file, const char* value) {
  return {"any", file, value, "unified resource"};
}

TEST(SystemdProperties, LimitsAreWhatTheirFilesAre) {
  Limits limits;
  limits.memory.limit = Bytes{64 << 20};
  limits.memory.swap = Bytes{96 << 20};
  limits.memory.reservation = Bytes{32 << 20};
  limits.pids = 7;
  limits.cpu.shares = 1024;
  Properties properties = properties_of(v2_writes(limits));
  std::ranges::sort(properties, {}, &Property::name);
  EXPECT_EQ((Properties{{"CPUWeight", Type::number, "100"},
                        {"MemoryLow", Type::number, "33554432"},
                        {"MemoryMax", Type::number, "67108864"},
                        {"MemorySwapMax", Type::number, "33554432"},
                        {"TasksMax", Type::number, "7"}}),
            properties);
}

TEST(SystemdProperties, NoLimitIsInfinity) {
  EXPECT_EQ((Properties{{"MemoryMax", Type::number, kInfinity}}),
            properties_of({unified("memory.max", "max")}));
  EXPECT_EQ((Properties{{"CPUQuotaPerSecUSec", Type::number, kInfinity},
                        {"CPUQuotaPeriodUSec", Type::number, "100000"}}),
            properties_of({unified("cpu.max", "max 100000")}));
}

TEST(SystemdProperties, QuotaIsTimePerSecondInWholeHundredthsRoundedUp) {
  const auto quota = [](const char* value) {
    return properties_of({unified("cpu.max", value)}).at(0).value;
  };
  EXPECT_EQ("500000", quota("50000 100000"));
  EXPECT_EQ("2000000", quota("200000"));
  EXPECT_EQ("20000", quota("1001 100000"));
  EXPECT_EQ("10000", quota("1 1000000"));
}

TEST(SystemdProperties, SetsOfCpusAreMasks) {
  EXPECT_EQ(
      (Properties{{"AllowedCPUs", Type::bytes, "87"}, {"AllowedMemoryNodes", Type::bytes, "0001"}}),
      properties_of({unified("cpuset.cpus", "0-2,7"), unified("cpuset.mems", "8")}));
}

TEST(SystemdProperties, IdleIsTheWeightZero) {
  EXPECT_EQ((Properties{{"CPUWeight", Type::number, "0"}}),
            properties_of({unified("cpu.idle", "1")}));
  EXPECT_EQ(Properties{}, properties_of({unified("cpu.idle", "0")}));
}

TEST(SystemdProperties, WeightOfDisksIsTheDefaultOne) {
  EXPECT_EQ((Properties{{"IOWeight", Type::number, "250"}}),
            properties_of({unified("io.weight", "default 250")}));
}

TEST(SystemdProperties, WhatSystemdKnowsNothingOfHasNone) {
  EXPECT_EQ(Properties{},
            properties_of({unified("cpu.max.burst", "1000"), unified("hugetlb.2MB.max", "0"),
                           unified("io.max", "8:0 rbps=1")}));
}

TEST(SystemdProperties, ValuesThatCannotBeSaidAreRefused) {
  for (const auto& [file, value] : {std::pair{"memory.high", "1G"},
                                    {"memory.high", ""},
                                    {"cpu.max", "1 0"},
                                    {"cpu.max", "x"},
                                    {"cpu.max", "18446744073709551615 100000"},
                                    {"cpuset.cpus", "2-1"},
                                    {"cpuset.cpus", "a"},
                                    {"cpuset.mems", "99999999"}}) {
    EXPECT_THROW((void)properties_of({unified(file, value)}), Error) << file << " " << value;
  }
}

}  // namespace
}  // namespace minidocker::cgroups
