#pragma once
/// \file
/// Where a container's root filesystem comes from. Not part of the OCI specification: a bundle
/// has a directory, an engine has layers.

#include <string>
#include <variant>
#include <vector>

namespace minidocker::runtime {

/// The root is a directory as it is; binds itself in the container's mount namespace.
struct DirectoryRoot {
  std::string path;  ///< absolute
};

/// The root is an overlay of layers, mounted in the container's mount namespace by its child.
struct OverlayRoot {
  std::vector<std::string> lowers;  ///< layer directories, the top one first, absolute
  std::string upper;                ///< takes what the container writes
  std::string work;                 ///< overlay's own, on the filesystem of `upper`
  std::string target;               ///< directory to mount on, absolute; e.g. the bundle's rootfs
  bool is_volatile = false;         ///< `upper` is thrown away afterwards: never synced
};

/// Either of them.
using RootSource = std::variant<DirectoryRoot, OverlayRoot>;

/// The directory that becomes "/".
[[nodiscard]] const std::string& target_of(const RootSource& root);

}  // namespace minidocker::runtime
