#include "minidocker/namespaces/root.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::namespaces {
namespace {

bool lies_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

/// Unmounts a proc or sysfs of the host from this namespace. In a user namespace the kernel locks
/// mounts that came from outside together (EINVAL): such a one is covered.
sys::Result<> remove_or_cover(const char* target) noexcept {
  sys::Result<> unmounted = sys::umount2(target, MNT_DETACH);
  if (unmounted || (unmounted.error() != EINVAL && unmounted.error() != EPERM)) return unmounted;
  return sys::mount("tmpfs", target, "tmpfs", MS_RDONLY, "size=0,nr_inodes=1");
}

/// Makes the old root, which is still "/" and about to be detached, deaf and dumb. It must be
/// entered for that: after the pivot only "." of a process that stands in it still means it.
sys::Result<> pivot_shared_root(int root) noexcept {
  const sys::Result<UniqueFd> old_root = sys::open("/", O_PATH | O_DIRECTORY);
  if (!old_root) return sys::Result<>::failure(old_root.call(), old_root.error());
  sys::Result<> done = sys::fchdir(root);
  if (done) done = sys::pivot_root(".", ".");
  if (done) done = sys::fchdir(old_root.value().get());
  if (done) done = sys::mount(nullptr, ".", nullptr, MS_SLAVE | MS_REC, nullptr);
  return done;
}

sys::Result<> pivot_slave_root(int root) noexcept {
  sys::Result<> done = sys::fchdir(root);
  return done ? sys::pivot_root(".", ".") : done;
}

}  // namespace

StepResult BindRoot::run(ChildContext&) const noexcept {
  if (shared_parent != nullptr) {
    const sys::Result<> made = sys::mount(nullptr, shared_parent, nullptr, MS_PRIVATE, nullptr);
    if (!made) return made;
  }
  return sys::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr);
}

std::string BindRoot::describe() const {
  const std::string bind = fmt::format("bind the root {} on itself", quoted(path));
  if (shared_parent == nullptr) return bind;
  return fmt::format("make the mount {} private and {}", quoted(shared_parent), bind);
}

std::string find_shared_parent(const std::vector<MountEntry>& mounts, std::string_view path) {
  const MountEntry* const entry = find_mount(mounts, path);
  return entry != nullptr && entry->is_shared() ? entry->target : std::string();
}

StepResult OpenRoot::run(ChildContext&) const noexcept {
  sys::Result<UniqueFd> opened = sys::open(path, O_PATH | O_DIRECTORY);
  if (opened) *root = opened.value().release();
  return opened;
}

std::string OpenRoot::describe() const { return fmt::format("open the root {}", quoted(path)); }

StepResult PivotRoot::run(ChildContext&) const noexcept {
  // With both names "." the old root lies on top of the new one and needs no directory to hang on.
  sys::Result<> done =
      old_root == OldRoot::shared ? pivot_shared_root(*root) : pivot_slave_root(*root);
  if (done) done = sys::umount2(".", MNT_DETACH);
  if (done) done = sys::chdir("/");
  return done;
}

std::string PivotRoot::describe() const {
  return old_root == OldRoot::shared ? "make it the root, make the old root slave and detach it"
                                     : "make it the root and detach the old one";
}

std::vector<std::string> full_kernel_mounts(const std::vector<MountEntry>& mounts,
                                            std::string_view root) {
  std::vector<std::string> targets;
  for (const MountEntry& mount : mounts) {
    const bool kernel = mount.type == "proc" || mount.type == "sysfs";
    if (kernel && mount.root == "/" && !lies_below(mount.target, root)) {
      targets.push_back(mount.target);
    }
  }
  // Later lines lie on, or below, earlier ones.
  std::reverse(targets.begin(), targets.end());
  return targets;
}

StepResult MoveRoot::run(ChildContext&) const noexcept {
  for (std::size_t i = 0; i < unwanted_count; ++i) {
    const sys::Result<> gone = remove_or_cover(unwanted[i]);
    if (!gone) return gone;
  }
  sys::Result<> done = sys::fchdir(*root);
  if (done) done = sys::mount(".", "/", nullptr, MS_MOVE, nullptr);
  if (done) done = sys::chroot(".");
  if (done) done = sys::chdir("/");
  return done;
}

std::string MoveRoot::describe() const {
  return fmt::format("unmount {} whole proc and sysfs, move the root on / and enter it",
                     unwanted_count);
}

}  // namespace minidocker::namespaces
