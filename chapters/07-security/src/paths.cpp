#include "minidocker/security/paths.hpp"

#include <fcntl.h>

#include <cerrno>

#include <fmt/format.h>

#include "minidocker/toolbox/null_device.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"

namespace minidocker::security {
namespace {

/// The same bind without /proc, by descriptor: three calls instead of one.
sys::Result<> bind_by_descriptor(int source, const char* path) noexcept {
  const sys::Result<UniqueFd> copy = sys::open_tree(source, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  if (!copy) return sys::Result<>::failure(copy.call(), copy.error());
  return sys::move_mount(copy.value().get(), "", AT_FDCWD, path,
                         MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
}

sys::Result<> bind_null(const NullDevice& null, const char* path) noexcept {
  if (!null.proc_fd_works) return bind_by_descriptor(null.fd, path);
  return sys::mount(FdPath(null.fd, null.name).c_str(), path, nullptr, MS_BIND, nullptr);
}

/// A file cannot be bound over a directory: mount(2) says ENOTDIR, move_mount(2) EINVAL.
bool is_directory_error(int error) noexcept { return error == ENOTDIR || error == EINVAL; }

}  // namespace

StepResult OpenDevNull::run(ChildContext&) const noexcept {
  if (made_in != nullptr && *alone && null->proc_fd_works) {
    null->fd = *made_in;
    null->name = "null";
    return StepResult::ok();
  }
  sys::Result<UniqueFd> opened = sys::open("/dev/null", O_PATH | O_NOFOLLOW);
  if (!opened) return opened;
  const sys::Result<struct stat> status = sys::fstat(opened.value().get());
  if (!status) return status;
  if (!is_null_device(status.value())) return StepResult::failure(ENODEV);
  null->fd = opened.value().release();  // execve closes it
  return StepResult::ok();
}

std::string OpenDevNull::describe() const {
  return "open /dev/null and prove that it is the null device";
}

StepResult MaskPath::run(ChildContext&) const noexcept {
  const sys::Result<> bound = bind_null(*null, path);
  if (bound || bound.error() == ENOENT) return StepResult::ok();
  if (!is_directory_error(bound.error())) return bound;
  const sys::Result<> covered =
      sys::mount("tmpfs", path, "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1");
  // It was no directory after all: the first refusal is the one that counts.
  return covered.error() == ENOTDIR ? StepResult(bound) : StepResult(covered);
}

std::string MaskPath::describe() const { return fmt::format("hide {}", path); }

StepResult MakeReadonly::run(ChildContext&) const noexcept {
  const sys::Result<> bound = sys::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr);
  if (bound.error() == ENOENT) return StepResult::ok();
  if (!bound) return bound;
  return sys::mount_setattr(AT_FDCWD, path, 0, MOUNT_ATTR_RDONLY, 0, 0);
}

std::string MakeReadonly::describe() const { return fmt::format("make {} read-only", path); }

}  // namespace minidocker::security
