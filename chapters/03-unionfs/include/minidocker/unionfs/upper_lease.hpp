#pragma once
/// \file
/// An upper directory is one overlay's at a time.

#include <string>
#include <utility>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::unionfs {

/// The right to mount an overlay that writes to a directory. Two overlays on one upper directory
/// show each other's changes late or never, and the kernel only warns in its log of the second one
/// (overlayfs.rst: with `index=off`, the default, the result is undefined). So whoever mounts takes
/// this before, and keeps it for as long as the mount lives: a flock(2) on the directory, which
/// ends with its holder, however that ends. It binds those who ask. Move-only.
///
/// The holder must be whose death is the mount's, too: the process that keeps its mount namespace,
/// or has the container's first process die with it (Lifetime::parent).
class UpperLease {
 public:
  /// Of nothing.
  UpperLease() = default;
  /// Takes it for `upper`, an existing directory. Throws Error(conflict) that names it if another
  /// one has it, SystemError.
  [[nodiscard]] static UpperLease take(const std::string& upper);

 private:
  explicit UpperLease(UniqueFd directory) noexcept : directory_(std::move(directory)) {}
  UniqueFd directory_;
};

}  // namespace minidocker::unionfs
