#pragma once
/// \file
/// The owner of a file descriptor.

#include <utility>

namespace minidocker {

/// Owns one file descriptor and closes it. Move-only: sharing needs an explicit sys::dup.
/// Every descriptor is born close-on-exec, so an owner never has to act in another program.
class UniqueFd {
 public:
  UniqueFd() noexcept = default;                                 ///< owns nothing
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}                ///< takes over `fd` (-1: nothing)
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}  ///< `other` owns nothing then
  UniqueFd& operator=(UniqueFd&& other) noexcept {               ///< closes what it owned before
    reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }                   ///< borrowed; -1 if none
  explicit operator bool() const noexcept { return fd_ >= 0; }             ///< does it own one?
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }  ///< caller owns it now

  /// Closes what it owns, then takes over `fd`. An error of close(2) is dropped: the descriptor
  /// is gone in any case, and closing it again would hit somebody else's.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

/// Child: execve(2) will close it, as it is born close-on-exec; to close it by hand is one call
/// more for each of many. Only so many can be open: from the 200th on it is closed here.
inline void leave_to_execve(UniqueFd fd) noexcept {
  constexpr int kMany = 200;
  if (fd.get() < kMany) static_cast<void>(fd.release());
}

}  // namespace minidocker
