#pragma once
/// \file
/// Paths that somebody else has chosen, resolved beneath a root that we have chosen. Everything
/// here works on descriptors and openat2(2) RESOLVE_IN_ROOT, so that no link in the tree, and no
/// rename made meanwhile, leads outside. All functions are safe in a child.

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker {

/// `/proc/self/fd/N` without allocation: a path for calls that take no descriptor.
class FdPath {
 public:
  explicit FdPath(int fd) noexcept;  ///< of this descriptor, which is only borrowed
  /// Of `name` in this directory: `/proc/self/fd/N/NAME`. A name that does not fit is cut, and then
  /// longer than any name a filesystem has.
  FdPath(int fd, std::string_view name) noexcept;
  /// The path; valid while this object lives.
  [[nodiscard]] const char* c_str() const noexcept { return text_.data(); }

 private:
  std::array<char, 288> text_;
};

/// Opens `path` as if `root` were "/": links, ".." and absolute paths stay inside; magic links
/// (of /proc) are refused. `flags` as for open(2), O_PATH included.
sys::Result<UniqueFd> open_in_root(int root, const char* path, int flags, mode_t mode = 0) noexcept;

/// mkdir -p inside `root`, each component resolved and made by descriptor. Returns the last
/// directory (O_PATH). An existing component must be a directory (ENOTDIR).
sys::Result<UniqueFd> make_dirs_in_root(int root, const char* path, mode_t mode) noexcept;

/// Makes an empty file with its parent directories inside `root`, if it is not there. Returns it
/// (O_PATH). Needed for binds over files.
sys::Result<UniqueFd> make_file_in_root(int root, const char* path, mode_t mode) noexcept;

/// A path split for work in a directory: the opened parent, and the last name.
struct ParentAndName {
  UniqueFd parent;               ///< O_PATH
  std::array<char, 256> name{};  ///< last component; never "", ".", ".."
};
/// Opens the parent of `path` inside `root`. EINVAL for a path without a last name.
sys::Result<ParentAndName> open_parent_in_root(int root, const char* path) noexcept;

}  // namespace minidocker
