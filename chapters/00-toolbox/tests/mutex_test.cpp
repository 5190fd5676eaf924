#include "minidocker/toolbox/mutex.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace minidocker {
namespace {

TEST(Mutex, LetsOneInAtATime) {
  Mutex mutex;
  int count = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 1000; ++round) {
          const MutexLock lock(mutex);
          ++count;
        }
      });
    }
  }
  EXPECT_EQ(count, 4000);
}

TEST(Condition, WakesWhoWaitsAndHoldsTheMutexThen) {
  Mutex mutex;
  Condition changed;
  bool is_ready = false;
  bool seen = false;
  {
    const std::jthread waiter([&] {
      const MutexLock lock(mutex);
      while (!is_ready) changed.wait(mutex);
      seen = true;
    });
    const MutexLock lock(mutex);
    is_ready = true;
    changed.notify_all();
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace minidocker
