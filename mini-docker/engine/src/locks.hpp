#pragma once
/// \file
/// Locks that end with their holders: flock(2) on files of RUN/lock.
///
/// RUN does not survive a reboot, rows do: so a lock's file is made by whoever takes it, and
/// whoever takes it and finds no row removes it again, while holding it.

#include <optional>
#include <string>
#include <utility>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::engine {

/// A lock that is held as long as a descriptor of its open file lives: here, or in a shim that
/// was given one. So whoever can take it knows that owner and shim are both gone.
class FileLock {
 public:
  /// Waits for it. Throws SystemError.
  static FileLock take(const std::string& path);
  /// Nothing if somebody holds it. Throws SystemError.
  static std::optional<FileLock> try_take(const std::string& path);

  /// Borrowed; to be passed to a shim.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  explicit FileLock(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace minidocker::engine
