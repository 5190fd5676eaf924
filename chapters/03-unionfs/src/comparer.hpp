#pragma once
/// \file
/// Is what was copied up still what it was? That costs two calls a name where `find` makes one, and
/// is most of the work of a list of changes: so large directories are compared by other threads
/// while the walk goes on.

#include <sys/stat.h>

#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "minidocker/toolbox/mutex.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::unionfs {

/// The same mode, owner, device and, but for directories, size and time of modification.
[[nodiscard]] bool is_same_status(const struct stat& a, const struct stat& b) noexcept;

/// A name that is in the upper directory and in one below, no directory in either.
struct CopiedUp {
  std::size_t entry = 0;                     ///< which of the directory's entries
  std::string name;                          ///< without a slash
  std::size_t below_at = 0;                  ///< which of the directories below has it
  std::unique_ptr<struct stat> before = {};  ///< its status there, if that is known
};

/// Those of one directory, and the answers.
struct Comparison {
  std::vector<CopiedUp> names;       ///< what to compare
  std::vector<char> untouched = {};  ///< for each of the directory's entries; false if not asked
};

/// Compares. One thread asks; the answers are there after `finish`.
class Comparer {
 public:
  Comparer() = default;
  Comparer(const Comparer&) = delete;
  Comparer& operator=(const Comparer&) = delete;
  /// Drops what has not begun.
  ~Comparer();

  /// Compares now or later; `comparison` must live until then. `upper` and `below` are open
  /// directories, and need not stay so. Throws SystemError.
  void compare(Comparison& comparison, int upper, std::span<const int> below);
  /// Waits for all answers. Throws what went wrong.
  void finish();

 private:
  struct Task {
    Comparison* comparison = nullptr;
    UniqueFd upper;
    std::vector<UniqueFd> below;
  };

  [[nodiscard]] bool is_worth_handing_over(const Comparison& comparison, std::size_t below);
  void start_threads();
  void work();
  [[nodiscard]] bool take(Task& task);

  Mutex mutex_;
  Condition changed_;
  std::deque<Task> waiting_ MD_GUARDED_BY(mutex_);
  bool is_finished_ MD_GUARDED_BY(mutex_) = false;  // nothing more will come
  std::exception_ptr failure_ MD_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;
};

}  // namespace minidocker::unionfs
