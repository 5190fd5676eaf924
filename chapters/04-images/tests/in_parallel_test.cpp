#include "in_parallel.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

namespace minidocker::images_unpack {
namespace {

TEST(InParallel, RunsEachJobOnce) {
  std::vector<std::atomic<int>> runs(1000);
  in_parallel(runs.size(), [&](std::size_t i, const std::stop_token&) { ++runs[i]; });
  for (const std::atomic<int>& count : runs) EXPECT_EQ(count, 1);
  in_parallel(0, [](std::size_t, const std::stop_token&) { FAIL() << "there is no job"; });
}

TEST(InParallel, RunsJobsAtTheSameTime) {
  if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "one CPU";
  std::latch both(2);
  in_parallel(2, [&](std::size_t, const std::stop_token&) { both.arrive_and_wait(); });
}

TEST(InParallel, StopsAtTheFirstFailureAndThrowsIt) {
  std::atomic<std::size_t> begun = 0;
  std::atomic<bool> told = false;
  const auto job = [&](std::size_t i, const std::stop_token& stop) {
    ++begun;
    if (i == 3) throw std::runtime_error("the fourth");
    while (i == 2 && !stop.stop_requested()) std::this_thread::yield();
    told = told || stop.stop_requested();
  };
  try {
    in_parallel(100'000, job);
    FAIL() << "as if nothing had been wrong";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the fourth");
  }
  EXPECT_LT(begun, 100'000U);
}

}  // namespace
}  // namespace minidocker::images_unpack
