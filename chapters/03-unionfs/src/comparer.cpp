#include "comparer.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "xattrs.hpp"

namespace minidocker::unionfs {
namespace {

// To hand a directory over costs as much as a few dozen questions.
constexpr std::size_t kWorthAThread = 32;
// They hold descriptors: one for the directory, one for each below.
constexpr std::size_t kMostWaiting = 8;
constexpr std::size_t kMostBelow = 12;
constexpr unsigned kMostThreads = 4;

// A layer that came out of an archive may have lost what is below a second.
bool is_same_time(const struct timespec& a, const struct timespec& b) noexcept {
  return a.tv_sec == b.tv_sec && (a.tv_nsec == b.tv_nsec || a.tv_nsec == 0 || b.tv_nsec == 0);
}

std::string capability_of(int dir, const std::string& name) {
  Xattrs xattrs = read_xattrs(dir, name.c_str(), name);
  return std::move(xattrs["security.capability"]);
}

bool is_untouched(const CopiedUp& copy, int upper, int lower) {
  const char* name = copy.name.c_str();
  sys::Result<struct stat> found = sys::fstatat(upper, name, AT_SYMLINK_NOFOLLOW);
  if (found.error() == ENOENT) return true;  // gone meanwhile
  const struct stat now = std::move(found).or_throw(quoted(copy.name));
  const struct stat before =
      copy.before ? *copy.before
                  : sys::fstatat(lower, name, AT_SYMLINK_NOFOLLOW).or_throw(quoted(copy.name));
  if (!is_same_status(now, before)) return false;
  return !S_ISREG(now.st_mode) ||
         capability_of(upper, copy.name) == capability_of(lower, copy.name);
}

void compare_all(Comparison& comparison, int upper, std::span<const int> below) {
  for (const CopiedUp& copy : comparison.names) {
    comparison.untouched[copy.entry] = is_untouched(copy, upper, below[copy.below_at]);
  }
}

}  // namespace

// Of a directory the size says nothing, and the time only that a name in it came or went, which is
// told anyway.
bool is_same_status(const struct stat& a, const struct stat& b) noexcept {
  if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid ||
      a.st_rdev != b.st_rdev) {
    return false;
  }
  return S_ISDIR(a.st_mode) || (a.st_size == b.st_size && is_same_time(a.st_mtim, b.st_mtim));
}

Comparer::~Comparer() {
  const MutexLock lock(mutex_);
  waiting_.clear();
  is_finished_ = true;
  changed_.notify_all();
}

void Comparer::compare(Comparison& comparison, int upper, std::span<const int> below) {
  if (!is_worth_handing_over(comparison, below.size())) {
    return compare_all(comparison, upper, below);
  }
  Task task{.comparison = &comparison, .upper = sys::dup(upper).or_throw("dup"), .below = {}};
  for (const int dir : below) task.below.push_back(sys::dup(dir).or_throw("dup"));
  const MutexLock lock(mutex_);
  waiting_.push_back(std::move(task));
  changed_.notify_one();
}

bool Comparer::is_worth_handing_over(const Comparison& comparison, std::size_t below) {
  if (comparison.names.size() < kWorthAThread || below > kMostBelow) return false;
  if (trace::current_sink != nullptr) return false;  // a story is told by one thread
  if (threads_.empty()) start_threads();
  const MutexLock lock(mutex_);
  return !threads_.empty() && waiting_.size() < kMostWaiting;
}

void Comparer::start_threads() {
  const unsigned wanted = std::min(std::thread::hardware_concurrency(), kMostThreads);
  for (unsigned i = 1; i < wanted; ++i) threads_.emplace_back([this] { work(); });  // besides us
}

void Comparer::finish() {
  {
    const MutexLock lock(mutex_);
    is_finished_ = true;
    changed_.notify_all();
  }
  work();
  threads_.clear();
  const MutexLock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

void Comparer::work() {
  Task task;
  while (take(task)) {
    try {
      std::vector<int> below;
      for (const UniqueFd& dir : task.below) below.push_back(dir.get());
      compare_all(*task.comparison, task.upper.get(), below);
    } catch (...) {
      const MutexLock lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }
}

bool Comparer::take(Task& task) {
  const MutexLock lock(mutex_);
  while (waiting_.empty() && !is_finished_) changed_.wait(mutex_);
  if (waiting_.empty()) return false;
  task = std::move(waiting_.front());
  waiting_.pop_front();
  return true;
}

}  // namespace minidocker::unionfs
