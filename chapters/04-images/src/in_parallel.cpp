#include "in_parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "minidocker/toolbox/mutex.hpp"

namespace minidocker::images_unpack {

namespace {

class Jobs {
 public:
  using Job = std::function<void(std::size_t, const std::stop_token&)>;
  Jobs(std::size_t count, const Job& job) : count_(count), job_(job) {}

  // Takes one after the other until there is none, or one has failed.
  void work() {
    try {
      const std::stop_token stop = stop_.get_token();
      for (std::size_t i = next_++; i < count_ && !stop.stop_requested(); i = next_++)
        job_(i, stop);
    } catch (...) {
      const MutexLock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      stop_.request_stop();
    }
  }

  void throw_failure() {
    const MutexLock lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::size_t count_;
  const Job& job_;
  std::atomic<std::size_t> next_ = 0;
  std::stop_source stop_;
  Mutex mutex_;
  std::exception_ptr failure_ MD_GUARDED_BY(mutex_);
};

}  // namespace

void in_parallel(std::size_t count,
                 const std::function<void(std::size_t, const std::stop_token&)>& job) {
  Jobs jobs(count, job);
  const std::size_t threads =
      std::min<std::size_t>(count, std::max(std::thread::hardware_concurrency(), 1U));
  {
    std::vector<std::jthread> helpers;  // besides ourselves
    for (std::size_t i = 1; i < threads; ++i) helpers.emplace_back([&jobs] { jobs.work(); });
    jobs.work();
  }
  jobs.throw_failure();
}

}  // namespace minidocker::images_unpack
