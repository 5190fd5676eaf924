#pragma once
/// \file
/// Changing what "/" is: pivot_root(2), and the older way for hosts where that is impossible.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/mountinfo.hpp"

namespace minidocker::namespaces {

/// Binds the directory on itself: pivot_root(2) wants a mount point, and what was mounted below is
/// taken along. Not needed where something was mounted on the path for this container.
struct BindRoot {
  static constexpr StepInfo kInfo{"01-namespaces", "pivot_root takes only a mount point"};
  const char* path;  ///< the root directory
  const char* shared_parent =
      nullptr;  ///< mount point that holds it, if that is shared: it is made
                ///< private first, as pivot_root refuses shared parents
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// The mount point that holds `path`, if it is shared: what BindRoot needs when "/" has not been
/// made slave or private before. Empty if it is not.
[[nodiscard]] std::string find_shared_parent(const std::vector<MountEntry>& mounts,
                                             std::string_view path);

/// Opens the container's root as an O_PATH descriptor; all paths inside are resolved beneath it.
/// After PivotRoot the descriptor is still right: it is "/" then.
struct OpenRoot {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "links in the image must not lead out: paths go by descriptor"};
  const char* path;  ///< the root directory, after it was bound or mounted
  int* root;         ///< slot for the descriptor
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Whether unmounting the old root could be heard outside.
enum class OldRoot {
  slave,   ///< "/" was made slave or private in this namespace before: nobody hears it
  shared,  ///< it may still be shared with the host: make it slave first
};

/// Makes the mount behind `*root` the "/" of the mount namespace and detaches the old one. The
/// working directory is "/" then.
struct PivotRoot {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "the host's tree is not hidden but gone from this namespace"};
  const int* root;                    ///< slot of OpenRoot
  OldRoot old_root = OldRoot::slave;  ///< what the old root's mounts are
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Every proc and sysfs mounted whole and outside of `root`: with chroot(2) instead of pivot_root
/// they stay in the namespace, and a process could mount others like them. Deepest first.
[[nodiscard]] std::vector<std::string> full_kernel_mounts(const std::vector<MountEntry>& mounts,
                                                          std::string_view root);

/// For a host whose root cannot be pivoted (an initramfs): moves the mount onto "/" and changes the
/// root. Weaker than PivotRoot: the old tree is covered, not gone.
struct MoveRoot {
  static constexpr StepInfo kInfo{"01-namespaces", "the host's root is one that cannot be pivoted"};
  const int* root;              ///< slot of OpenRoot
  const char* const* unwanted;  ///< full_kernel_mounts(), unmounted or covered first
  std::size_t unwanted_count;   ///< how many
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
