#pragma once
/// \file
/// Overlay mounts: read-only layers below, one writable directory on top, seen as one tree
/// (the kernel's Documentation/filesystems/overlayfs.rst).
///
/// Always with `userxattr` (kernel 5.11): what overlay records about deleted and opaque
/// directories then lies in `user.overlay.*`, which needs no privilege, so one form of layer
/// directory serves root and ordinary users alike.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::unionfs {

/// Must what is written through the overlay survive a power cut?
enum class UpperSync : std::uint8_t {
  on_unmount,  ///< the kernel syncs the upper filesystem when the overlay is unmounted
  never,       ///< option `volatile` (5.10): the upper layer is thrown away anyway
};

/// What is stacked. All paths are absolute.
struct OverlayLayers {
  std::vector<std::string> lowers;         ///< read-only layers, the topmost first
  std::string upper;                       ///< takes all changes; empty: read-only
  std::string work;                        ///< empty, beside `upper` on its filesystem
  UpperSync sync = UpperSync::on_unmount;  ///< what unmounting costs
};

/// A path as it must stand in overlay's options: ':' separates layers, ',' separates options, and
/// '\' takes the meaning away from either.
[[nodiscard]] std::string escape_overlay_path(std::string_view path);

/// The options as mount(2) takes them: `lowerdir=TOP:...:BOTTOM,upperdir=..,workdir=..,userxattr`.
/// Throws invalid_argument if there is no layer, only one of them and no upper directory (the
/// kernel wants two then), or an upper directory without a work directory.
[[nodiscard]] std::string overlay_options(const OverlayLayers& layers);

/// Does the filesystem of directory `dir` keep user attributes, without which an upper directory
/// there fails later? Not so ramfs, tmpfs before Linux 6.6, and whatever is mounted with
/// nouser_xattr. Throws SystemError.
[[nodiscard]] bool has_user_xattrs(const std::string& dir);
/// Throws Error(unavailable) that names `dir` and what to do if it has none.
void require_user_xattrs(const std::string& dir);

/// How the layers are told to the kernel.
enum class OverlayForm : std::uint8_t {
  absolute,  ///< one mount(2), absolute names: the usual case
  relative,  ///< one mount(2) from the layers' common directory, as options end at 4095 bytes
  appended,  ///< fsconfig(2) `lowerdir+` layer by layer (kernel 6.8): still too long otherwise
};

/// The form that `layers` need, and the strings it takes.
struct OverlayPlan {
  OverlayForm form = OverlayForm::absolute;  ///< how
  std::string directory;                     ///< where relative names begin; empty if absolute
  std::string options;                       ///< for mount(2); empty for `appended`
  std::vector<std::string> lowers;           ///< names for `appended`
};
/// Chooses the first form that fits. Throws as overlay_options does.
[[nodiscard]] OverlayPlan plan_overlay(const OverlayLayers& layers);

/// Mounts the overlay on `target` in the mount namespace of the child, never of the host: a
/// killed container then leaks no mount. Works as root and as root of a user namespace. Fails
/// with EINVAL where upper or work lie on another overlay (the kernel log tells), EBUSY for an
/// upper that is in use. On a filesystem without user attributes it succeeds, but directories of
/// the layers below can then not be removed (EIO): ask has_user_xattrs() before.
struct MountOverlay {
  static constexpr StepInfo kInfo{
      "03-unionfs", "the image stays untouched below, what the container writes goes on top"};
  const char* target;         ///< existing directory, absolute
  const char* directory;      ///< for relative names; null if there are none
  const char* options;        ///< for mount(2); null: append layers by fsconfig(2)
  const char* const* lowers;  ///< null-terminated; only for appending
  const char* upper;          ///< upper directory; null: read-only
  const char* work;           ///< work directory; null: read-only
  std::uint32_t lower_count;  ///< how many layers, for the description
  UpperSync sync;             ///< volatile or not
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// The step that mounts `layers` on `target`, its strings copied into `plan`; not yet added.
[[nodiscard]] MountOverlay make_mount_overlay(ChildPlan& plan, const OverlayLayers& layers,
                                              std::string_view target);

}  // namespace minidocker::unionfs
