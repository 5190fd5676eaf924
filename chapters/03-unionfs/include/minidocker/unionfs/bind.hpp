#pragma once
/// \file
/// Bind mounts of host paths into a container's root (OCI runtime-spec config.md#mounts).
///
/// Made with the descriptor-based calls of kernel 5.2 and 5.12: the source is cloned as a detached
/// mount, gets its flags, and only then appears in the container. Two things the older
/// mount(MS_BIND) and mount(MS_REMOUNT|MS_BIND) suffer from cannot happen: there is no moment in
/// which a read-only bind can be written, and as flags are set and cleared one by one, those that
/// a user namespace has locked on the source stay on by themselves instead of failing a remount
/// that forgot to repeat them.

#include <cstdint>
#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::unionfs {

/// Does it concern the top mount only, or those below it too?
enum class Recursion : std::uint8_t { top, tree };

/// Flags of a mount to set and to clear, as mount_setattr(2) takes them (MOUNT_ATTR_*).
struct MountAttributes {
  std::uint64_t set = 0;                                                       ///< turned on
  std::uint64_t clear = 0;                                                     ///< turned off
  [[nodiscard]] bool none() const noexcept { return set == 0 && clear == 0; }  ///< nothing asked?
  bool operator==(const MountAttributes&) const = default;                     ///< same flags
};

/// The MS_* flags of mount(2) (MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOSYMFOLLOW and the
/// MS_*ATIME family) as attributes. Setting or clearing any access time flag chooses anew among
/// the whole family, of which relatime is the default. Other flags are ignored.
[[nodiscard]] MountAttributes to_attributes(unsigned long set, unsigned long clear) noexcept;

/// Attributes in words: `ro,nosuid,exec`; empty if there are none.
[[nodiscard]] std::string attributes_in_words(const MountAttributes& attributes);

/// Binds `source` to `destination` beneath the root, making the destination (a directory or a
/// file, as the source is, mode 0755) where it is missing. Runs in the child's mount namespace
/// before pivot_root. EPERM if a flag to clear is locked by the user namespace that owns the
/// source's mount; EINVAL if `top` would uncover mounts hidden from this user namespace; ENOENT
/// for a missing source; ENOTDIR if one is a directory and the other is not.
struct BindMount {
  static constexpr StepInfo kInfo{"03-unionfs",
                                  "a part of the host's tree shall be seen inside the container"};
  const int* root;                       ///< slot: O_PATH descriptor of the container's root
  const char* source;                    ///< absolute, host's view; symlinks are followed
  const char* destination;               ///< absolute, container's view
  Recursion recursion = Recursion::top;  ///< bind or rbind
  MountAttributes attributes = {};       ///< for the top mount
  MountAttributes tree_attributes = {};  ///< for all of the tree: rro, rnosuid, ...
  /// MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE, or'ed with MS_REC for the tree; 0: as is.
  unsigned long propagation = 0;
  /// Slot: what to attach, made beforehand by clone_mount() with the rights of another; null: the
  /// child clones `source` itself.
  const int* tree = nullptr;
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::unionfs
