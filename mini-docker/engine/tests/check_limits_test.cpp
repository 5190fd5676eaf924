#include "check_limits.hpp"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::engine {
namespace {

const Machine kMachine{"0-1", "0", true};

/// What check_limits() says of a request that `change` has changed.
template <class Change>
std::string fault_of(Change change) {
  CreateRequest request;
  change(request);
  try {
    (void)check_limits(request, kMachine);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    return error.what();
  }
  return "none";
}

constexpr Bytes kMiB{1 << 20};
Bytes mib(std::uint64_t count) { return Bytes{count * kMiB.value}; }

TEST(CheckLimits, NothingAskedForIsNothingWrong) {
  EXPECT_EQ(fault_of([](CreateRequest&) {}), "none");
}

TEST(CheckLimits, MemoryIsAtLeastWhatAProgramNeeds) {
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.memory = mib(5); }),
            "Minimum memory limit allowed is 6MB");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.memory_reservation = mib(5); }),
            "Minimum memory reservation allowed is 6MB");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.memory = mib(6); }), "none");
}

TEST(CheckLimits, SwapIncludesMemory) {
  EXPECT_EQ(fault_of([](CreateRequest& r) {
              r.limits.memory = mib(8);
              r.limits.memory_swap = 8'000'000;
            }),
            "Minimum memoryswap limit should be larger than memory limit, see usage");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.memory_swap = 8'000'000; }),
            "You should always set the Memory limit when using Memoryswap limit, see usage");
  EXPECT_EQ(fault_of([](CreateRequest& r) {
              r.limits.memory = mib(8);
              r.limits.memory_swap = -1;
            }),
            "none");
}

TEST(CheckLimits, TheReservationIsBelowTheLimit) {
  EXPECT_EQ(fault_of([](CreateRequest& r) {
              r.limits.memory = mib(8);
              r.limits.memory_reservation = mib(9);
            }),
            "Minimum memory limit can not be less than memory reservation limit, see usage");
}

TEST(CheckLimits, SwappinessIsAPercentage) {
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.memory_swappiness = 101; }),
            "Invalid value: 101, valid memory swappiness range is 0-100");
}

TEST(CheckLimits, ThereAreNoMoreCpusThanThereAre) {
  const std::string range =
      "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available";
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.nano_cpus = 2'000'000'001; }), range);
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.nano_cpus = 9'999'999; }), range);
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.nano_cpus = 2'000'000'000; }), "none");
}

TEST(CheckLimits, CpusExcludePeriodAndQuota) {
  EXPECT_EQ(fault_of([](CreateRequest& r) {
              r.limits.nano_cpus = 1'000'000'000;
              r.limits.cpu_period = 50'000;
            }),
            "Conflicting options: Nano CPUs and CPU Period cannot both be set");
  EXPECT_EQ(fault_of([](CreateRequest& r) {
              r.limits.nano_cpus = 1'000'000'000;
              r.limits.cpu_quota = 50'000;
            }),
            "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
}

TEST(CheckLimits, PeriodsAndQuotasAreWhatTheKernelTakes) {
  const std::string period =
      "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)";
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.cpu_period = 999; }), period);
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.cpu_period = 1'000'001; }), period);
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.cpu_quota = 999; }),
            "CPU cfs quota can not be less than 1ms (i.e. 1000)");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.cpu_quota = -1; }), "none");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.cpu_shares = -1; }),
            "CPU shares of -1: invalid argument");
  EXPECT_EQ(fault_of([](CreateRequest& r) {
              r.limits.cpu_rt_period = 1000;
              r.limits.cpu_rt_runtime = 1001;
            }),
            "cpu real-time runtime cannot be higher than cpu real-time period");
}

TEST(CheckLimits, CpusAndNodesAreThoseOfTheMachine) {
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.cpuset_cpus = "0-1"; }), "none");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.cpuset_cpus = "1,7"; }),
            "Requested CPUs are not available - requested 1,7, available: 0-1");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.cpuset_cpus = "0-4294967295"; }),
            "Requested CPUs are not available - requested 0-4294967295, available: 0-1");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.cpuset_mems = "1"; }),
            "Requested memory nodes are not available - requested 1, available: 0");
  for (const char* list : {"x", "0-", "1-0", "0,", "-1", "0 1"}) {
    EXPECT_EQ(fault_of([&](CreateRequest& r) { r.limits.cpuset_cpus = list; }),
              std::string("Invalid value ") + list + " for cpuset cpus");
  }
}

TEST(CheckLimits, AWeightAndAScoreHaveTheirRanges) {
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.limits.blkio_weight = 9; }),
            "Range of blkio weight is from 10 to 1000");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.oom_score_adj = 1001; }),
            "Invalid value 1001, range for oom score adj is [-1000, 1000]");
  EXPECT_EQ(fault_of([](CreateRequest& r) { r.oom_score_adj = -1000; }), "none");
}

TEST(CheckLimits, AMachineMayRunOutOfMemoryForWantOfAKiller) {
  CreateRequest request;
  request.limits.oom_kill_disable = true;
  EXPECT_EQ(check_limits(request, kMachine).size(), 1U);
  request.limits.memory = mib(64);
  EXPECT_TRUE(check_limits(request, kMachine).empty());
}

TEST(CheckLimits, WhoseSwapIsNotCountedIsToldSoUnlessHeAskedForALimit) {
  CreateRequest request;
  request.limits.memory = mib(64);
  const Machine without{"0", "0", false};
  EXPECT_EQ(check_limits(request, without).size(), 1U);
  request.limits.memory_swap = 128 << 20;
  EXPECT_TRUE(check_limits(request, without).empty()) << "the kernel's refusal tells";
}

}  // namespace
}  // namespace minidocker::engine
