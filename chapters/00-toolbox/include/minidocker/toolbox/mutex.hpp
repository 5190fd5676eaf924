#pragma once
/// \file
/// A mutex that clang's thread-safety analysis understands (libstdc++'s is not annotated): with
/// -Wthread-safety, clang says at compile time which member is touched without its mutex. Write
/// the mutex next to what it guards:
///
/// ```
///   Mutex mutex_;
///   std::vector<Task> tasks_ MD_GUARDED_BY(mutex_);
/// ```
/// See https://clang.llvm.org/docs/ThreadSafetyAnalysis.html.

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define MD_THREAD_ANNOTATION(x) __attribute__((x))
#else
/// One of clang's attributes; nothing for other compilers, which have no such check.
#define MD_THREAD_ANNOTATION(x)
#endif

/// This member is read and written only with `mutex` held.
#define MD_GUARDED_BY(mutex) MD_THREAD_ANNOTATION(guarded_by(mutex))
/// This function is called only with `mutex` held.
#define MD_REQUIRES(mutex) MD_THREAD_ANNOTATION(requires_capability(mutex))

namespace minidocker {

/// std::mutex, annotated. Held by a MutexLock.
class MD_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  /// Waits until it is free.
  void lock() MD_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  /// Lets others in.
  void unlock() MD_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

/// Holds a Mutex from its birth to its end.
class MD_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  /// Waits until `mutex` is free.
  explicit MutexLock(Mutex& mutex) MD_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() MD_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

/// std::condition_variable for a Mutex. Wait in a loop that looks at what is waited for.
class Condition {
 public:
  /// Lets go of `mutex`, which the caller holds, until somebody notifies, and takes it again.
  void wait(Mutex& mutex) MD_REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    condition_.wait(held);
    held.release();
  }
  void notify_one() noexcept { condition_.notify_one(); }  ///< wakes one that waits
  void notify_all() noexcept { condition_.notify_all(); }  ///< wakes all that wait

 private:
  std::condition_variable condition_;
};

}  // namespace minidocker
