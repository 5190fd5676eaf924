#pragma once
/// \file
/// Filesystems in memory inside a container's root (tmpfs(5)).

#include <cstdint>
#include <string>
#include <string_view>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::unionfs {

/// Do the comma separated options name a `mode=`?
[[nodiscard]] bool names_mode(std::string_view options) noexcept;

/// What a new tmpfs holds.
enum class TmpfsContent : std::uint8_t {
  nothing,  ///< it is empty
  copy,     ///< what the directory holds that it covers ("tmpcopyup")
};

/// Mounts a tmpfs on `destination` beneath the root, making the directory where it is
/// missing. Without `mode=` the mount takes the mode of a directory that was there already, as a
/// /tmp of mode 1777 must stay one; a new one gets the kernel's 1777. Runs in the child before
/// pivot_root. EINVAL for options that the kernel does not know.
///
/// A copy has contents, links, modes, owners and times; of a file with several names each becomes a
/// file of its own; devices, sockets and attributes are left out. ENOSPC if `size=` is too small,
/// ELOOP for a tree deeper than 64 levels.
struct MountTmpfs {
  static constexpr StepInfo kInfo{
      "03-unionfs", "what is written there lives in memory and is gone with the container"};
  const int* root;               ///< slot: O_PATH descriptor of the container's root
  const char* destination;       ///< absolute, container's view
  unsigned long flags;           ///< MS_NOSUID, MS_NODEV, ...
  const char* options;           ///< "size=64m,mode=1777"; null or "" for none
  const char* source = "tmpfs";  ///< what mountinfo shall show as the source
  TmpfsContent content = TmpfsContent::nothing;  ///< what shall be in it
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::unionfs
