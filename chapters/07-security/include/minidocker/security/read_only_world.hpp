#pragma once
/// \file
/// A view of all files in which a few directories can be changed and nothing else. Landlock, which
/// needs no privilege, does not mind chmod(2), chown(2), setxattr(2) and utime(2); a read-only
/// mount refuses them. And a device that was made is a file like others for Landlock, but cannot be
/// opened on a mount with `nodev`.

#include <span>
#include <string>

namespace minidocker::security {

/// Moves this process into a mount namespace of its own in which every mount is read-only, except
/// new ones of `writable`, directories: there, devices cannot be opened nor programs executed.
/// Files can be renamed within one of them only. What the host unmounts goes here too; what it
/// mounts later comes as it is. Descriptors that are open already stay as they are; a working
/// directory becomes read-only, even beneath a writable one. Needs CAP_SYS_ADMIN, and `/` to be a
/// mount (EINVAL in a mere chroot). Kernel 5.12. Call it before threads are started. Throws
/// SystemError.
void make_world_read_only(std::span<const std::string> writable);

}  // namespace minidocker::security
