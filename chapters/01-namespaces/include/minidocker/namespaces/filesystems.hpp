#pragma once
/// \file
/// Mounting the kernel's own filesystems into a root: proc, sysfs, devpts, mqueue, cgroup, tmpfs.

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// A tmpfs inside the container's root that a step of this plan has mounted.
struct OpenedTmpfs {
  int dir = -1;        ///< O_PATH descriptor of its root
  bool plain = false;  ///< no link leads there: all that is in it was made by this plan
};

/// Opens a tmpfs that was just mounted, so that what goes into it needs no lookup from the root.
struct OpenTmpfs {
  static constexpr StepInfo kInfo{"01-namespaces", "what follows is made in this very directory"};
  const int* root;     ///< slot of OpenRoot
  const char* path;    ///< where it was mounted
  OpenedTmpfs* tmpfs;  ///< slot for what was opened
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Mounts a new filesystem on a directory of the container's root, which is made if it is not
/// there. proc and sysfs are mounted on real directories only: a link could put them where nobody
/// masks them. Must run while /proc is the host's, that is before PivotRoot. EPERM: a link of the
/// image leads into a proc, where a mount could swallow what is written to drop privileges
/// (CVE-2019-16884).
struct MountFilesystem {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "programs expect the kernel's own filesystems in their places"};
  const int* root;          ///< slot of OpenRoot
  const char* destination;  ///< absolute, in the root, and not below /proc: see EPERM above
  const char* type;         ///< "proc", "sysfs", "devpts", "mqueue", "tmpfs", "cgroup2" ...
  const char* source;       ///< what mountinfo shall show as the source
  unsigned long flags;      ///< MS_NOSUID and so on
  const char* data;         ///< options of the filesystem; may be null
  /// The tmpfs in which the mount point is a new name, if it is one: two calls instead of five.
  const OpenedTmpfs* inside = nullptr;
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
