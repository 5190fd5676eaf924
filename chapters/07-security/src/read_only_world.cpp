#include "minidocker/security/read_only_world.hpp"

#include <fcntl.h>
#include <sched.h>

#include <vector>

#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::security {

namespace {

// A mount of the directory and all that is mounted below it, in no place yet.
UniqueFd copy_of(const std::string& directory) {
  UniqueFd copy = sys::open_tree(AT_FDCWD, directory.c_str(), OPEN_TREE_CLONE | AT_RECURSIVE)
                      .or_throw(directory);
  sys::mount_setattr(copy.get(), "", AT_EMPTY_PATH | AT_RECURSIVE,
                     MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID, 0, 0)
      .or_throw(directory);
  return copy;
}

}  // namespace

void make_world_read_only(std::span<const std::string> writable) {
  const trace::Scope scope("07-security", "make all mounts read-only, but for a few directories",
                           "no rule about opening files forbids chmod and chown");
  constexpr const char* kHint = "/ must be a mount, which it is not in a mere chroot";
  sys::unshare(CLONE_NEWNS).or_throw("mounts");
  // Slaves: what the host unmounts does not stay busy here.
  sys::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr).or_throw("/", kHint);
  // Copies are made before, or they would be read-only, too, and put into place after.
  std::vector<UniqueFd> copies;
  for (const std::string& directory : writable) copies.push_back(copy_of(directory));
  sys::mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0).or_throw("/", kHint);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    sys::move_mount(copies[i].get(), "", AT_FDCWD, writable[i].c_str(),
                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS)
        .or_throw(writable[i]);
  }
}

}  // namespace minidocker::security
