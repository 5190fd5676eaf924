#include "minidocker/security/read_only_world.hpp"

#include <fcntl.h>
#include <sched.h>

#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::security {

void make_world_read_only(const std::string& writable) {
  const trace::Scope scope("07-security", "make every mount but that of " + writable + " read-only",
                           "no rule about opening files forbids chmod and chown");
  constexpr const char* kHint = "/ must be a mount, which it is not in a mere chroot";
  sys::unshare(CLONE_NEWNS).or_throw("mounts");
  // Slaves: what the host unmounts does not stay busy here.
  sys::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr).or_throw("/", kHint);
  // The copy is made before, as it would be read-only otherwise, and put into place after.
  const UniqueFd kept =
      sys::open_tree(AT_FDCWD, writable.c_str(), OPEN_TREE_CLONE | AT_RECURSIVE).or_throw(writable);
  sys::mount_setattr(kept.get(), "", AT_EMPTY_PATH | AT_RECURSIVE,
                     MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID, 0, 0)
      .or_throw(writable);
  sys::mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0).or_throw("/", kHint);
  sys::move_mount(kept.get(), "", AT_FDCWD, writable.c_str(),
                  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS)
      .or_throw(writable);
}

}  // namespace minidocker::security
