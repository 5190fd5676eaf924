#pragma once
/// \file
/// Changing the flags of a mount that is in its place already.

#include <string>

#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/unionfs/bind.hpp"

namespace minidocker::unionfs {

/// Sets and clears flags of the mount at `path` by mount_setattr(2), kernel 5.12. What was filled
/// after mounting (the root, /dev) becomes read-only this way. EPERM if a flag to clear is locked
/// by the user namespace that owns the mount; EINVAL if `path` is no mount point.
struct ChangeMount {
  static constexpr StepInfo kInfo{"03-unionfs",
                                  "it had to be writable until everything in it was made"};
  const int* root;                       ///< slot: O_PATH descriptor of the container's root
  const char* path;                      ///< absolute, container's view; null: the root itself
  MountAttributes attributes;            ///< what to set and clear
  Recursion recursion = Recursion::top;  ///< this mount only, or those below it too
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Sets who hears of what is mounted below the mount at `path` (mount_setattr(2) propagation).
struct ChangePropagation {
  static constexpr StepInfo kInfo{"03-unionfs",
                                  "mounts made here later shall be seen elsewhere, or shall not"};
  const int* root;            ///< slot: O_PATH descriptor of the container's root
  const char* path;           ///< absolute, container's view
  unsigned long propagation;  ///< MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE; MS_REC: the tree
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::unionfs
