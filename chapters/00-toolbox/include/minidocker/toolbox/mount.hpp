#pragma once
/// \file
/// An owned mount.

#include <string>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker {

/// Owns a mount at a path and detaches it (MNT_DETACH) at its end. Does nothing in a process
/// other than the one that made it: a clone has its own mount table, or must not touch ours.
class Mount {
 public:
  Mount() noexcept = default;
  Mount(Mount&& other) noexcept;
  Mount& operator=(Mount&& other) noexcept;
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  ~Mount();

  /// mount(2); null pointers are empty strings. Throws SystemError with the arguments in words.
  static Mount make(const std::string& source, const std::string& target, const std::string& type,
                    unsigned long flags, const std::string& data = {});

  [[nodiscard]] const std::string& target() const noexcept { return target_; }  ///< where
  /// The mount stays; the caller unmounts it, or the end of the namespace does.
  void release() noexcept { target_.clear(); }
  /// Unmounts now. Throws SystemError.
  void unmount();

 private:
  std::string target_;
  int maker_ = -1;
};

}  // namespace minidocker
