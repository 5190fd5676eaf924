#pragma once
/// \file
/// Mounts, by the classic call and by the descriptor-based ones of kernel 5.2.

#include <linux/mount.h>
#include <sys/mount.h>

#include <cstdint>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::sys {

/// The kernel's names of mount(2) flags, for the tracer and for steps' descriptions.
extern const trace::FlagName kMountFlagNames[];

/// mount(2). `source`, `type` and `data` may be null.
Result<> mount(const char* source, const char* target, const char* type, unsigned long flags,
               const char* data) noexcept;
/// umount2(2); `flags` e.g. MNT_DETACH, UMOUNT_NOFOLLOW.
Result<> umount2(const char* target, int flags) noexcept;
/// pivot_root(2).
Result<> pivot_root(const char* new_root, const char* put_old) noexcept;
/// chroot(2).
Result<> chroot(const char* path) noexcept;
/// fsopen(2) with FSOPEN_CLOEXEC: a filesystem of `type` being configured.
Result<UniqueFd> fsopen(const char* type) noexcept;
/// fsconfig(2) FSCONFIG_SET_STRING; values must be shorter than 256 bytes.
Result<> fsconfig_string(int fs, const char* key, const char* value) noexcept;
/// fsconfig(2) FSCONFIG_SET_FLAG.
Result<> fsconfig_flag(int fs, const char* key) noexcept;
/// fsconfig(2) FSCONFIG_CMD_CREATE: makes the superblock.
Result<> fsconfig_create(int fs) noexcept;
/// fsmount(2) with FSMOUNT_CLOEXEC: a detached mount; `attributes` are MOUNT_ATTR_*.
Result<UniqueFd> fsmount(int fs, unsigned attributes) noexcept;
/// open_tree(2) with OPEN_TREE_CLOEXEC; OPEN_TREE_CLONE gives a detached copy.
Result<UniqueFd> open_tree(int dirfd, const char* path, unsigned flags) noexcept;
/// move_mount(2): attaches a detached mount or moves one.
Result<> move_mount(int from_fd, const char* from, int to_fd, const char* to,
                    unsigned flags) noexcept;
/// mount_setattr(2), kernel 5.12: sets and clears MOUNT_ATTR_* (recursively with AT_RECURSIVE).
Result<> mount_setattr(int dirfd, const char* path, unsigned flags, std::uint64_t set,
                       std::uint64_t clear, std::uint64_t propagation) noexcept;
/// mount_setattr(2) MOUNT_ATTR_IDMAP, kernel 5.12: owners of files in the detached mount `mount`
/// are seen through the id maps of `user_namespace`; `flags` may be AT_RECURSIVE. EPERM without
/// CAP_SYS_ADMIN in the user namespace of the filesystem, and for a mount that has been attached
/// or mapped before; EINVAL if the filesystem cannot do it.
Result<> map_mount_ids(int mount, unsigned flags, int user_namespace) noexcept;

}  // namespace minidocker::sys
