#pragma once
/// \file
/// A view of all files in which one directory can be changed and nothing else. Landlock, which
/// needs no privilege, does not mind chmod(2), chown(2), setxattr(2) and utime(2); a read-only
/// mount refuses them. And a device that was made is a file like others for Landlock, but cannot be
/// opened on a mount with `nodev`.

#include <string>

namespace minidocker::security {

/// Moves this process into a mount namespace of its own in which every mount is read-only, except a
/// new one of `writable`, a directory: there, devices cannot be opened nor programs executed. What
/// the host unmounts goes here too; what it mounts later comes as it is. Descriptors that are open
/// already stay as they are, a working directory becomes read-only, even beneath `writable`. Needs
/// CAP_SYS_ADMIN, and `/` to be a mount (EINVAL in a mere chroot). Kernel 5.12. Call it before
/// threads are started. Throws SystemError.
void make_world_read_only(const std::string& writable);

}  // namespace minidocker::security
