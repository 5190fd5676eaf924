#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "minidocker/toolbox/mutex.hpp"

namespace minidocker::registry {

namespace {

class Workers {
 public:
  using Check = std::function<void()>;
  using Task = std::function<void(std::size_t, const Check&)>;

  Workers(std::size_t count, const Task& task) : count_(count), task_(task) {}

  void run(std::size_t threads) {
    {
      std::vector<std::jthread> all;
      for (std::size_t i = 0; i < threads; ++i) all.emplace_back([this] { work(); });
    }
    const MutexLock lock(mutex_);
    if (first_failure_) std::rethrow_exception(first_failure_);
  }

 private:
  void work() {
    const Check check = [this] {
      if (has_failed_) throw Cancelled();
    };
    try {
      for (std::size_t i = next_++; i < count_ && !has_failed_; i = next_++) task_(i, check);
    } catch (...) {
      const MutexLock lock(mutex_);
      if (!first_failure_) first_failure_ = std::current_exception();
      has_failed_ = true;
    }
  }

  std::size_t count_;
  const Task& task_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> has_failed_ = false;
  Mutex mutex_;
  std::exception_ptr first_failure_ MD_GUARDED_BY(mutex_);
};

}  // namespace

void in_parallel(std::size_t count, unsigned parallel,
                 const std::function<void(std::size_t, const std::function<void()>&)>& task) {
  Workers(count, task).run(std::min<std::size_t>(count, std::max(parallel, 1U)));
}

}  // namespace minidocker::registry
