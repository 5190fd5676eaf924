#include "minidocker/namespaces/filesystems.hpp"

#include <linux/magic.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::namespaces {
namespace {

sys::Result<UniqueFd> refuse_proc(sys::Result<UniqueFd> directory) noexcept {
  if (!directory) return directory;
  const sys::Result<struct statfs> status = sys::fstatfs(directory.value().get());
  if (!status) return sys::Result<UniqueFd>::failure(status.call(), status.error());
  if (status.value().f_type != PROC_SUPER_MAGIC) return directory;
  return sys::Result<UniqueFd>::failure(directory.call(), EPERM);
}

constexpr std::uint64_t kPlain = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;

sys::Result<UniqueFd> open_plain_dir(int root, const char* path) noexcept {
  return sys::openat2(root, path, O_PATH | O_DIRECTORY, kPlain);
}

/// Without links on the way the path means what the caller has read in it. Only images that have
/// links there, or lack the directory, take the longer ways, which look once more where they led.
sys::Result<UniqueFd> open_mount_point(int root, const char* path, bool links_allowed) noexcept {
  sys::Result<UniqueFd> plain = open_plain_dir(root, path);
  if (plain) return plain;
  const bool missing = plain.error() == ENOENT;
  if (!missing && !(plain.error() == ELOOP && links_allowed)) return plain;
  return refuse_proc(make_dirs_in_root(root, path, 0755));
}

bool needs_real_directory(const char* type) noexcept {
  return std::strcmp(type, "proc") == 0 || std::strcmp(type, "sysfs") == 0;
}

}  // namespace

StepResult OpenTmpfs::run(ChildContext&) const noexcept {
  sys::Result<UniqueFd> opened = open_plain_dir(*root, path);
  tmpfs->plain = opened.ok();
  if (opened.error() == ELOOP) opened = open_in_root(*root, path, O_PATH | O_DIRECTORY);
  if (opened) tmpfs->dir = opened.value().release();
  return opened;
}

std::string OpenTmpfs::describe() const { return fmt::format("open the tmpfs {}", quoted(path)); }

StepResult MountFilesystem::run(ChildContext&) const noexcept {
  if (inside != nullptr && inside->plain) {
    const char* const name = std::strrchr(destination, '/') + 1;
    const sys::Result<> made = sys::mkdirat(inside->dir, name, 0755);
    if (made) return sys::mount(source, FdPath(inside->dir, name).c_str(), type, flags, data);
    // Taken: an earlier mount came here by a link of the image. The long way, then.
    if (made.error() != EEXIST) return made;
  }
  sys::Result<UniqueFd> point = open_mount_point(*root, destination, !needs_real_directory(type));
  if (!point) return point;
  UniqueFd where = std::move(point).value();
  const sys::Result<> mounted = sys::mount(source, FdPath(where.get()).c_str(), type, flags, data);
  leave_to_execve(std::move(where));
  return mounted;
}

std::string MountFilesystem::describe() const {
  std::string words = fmt::format("mount a {} on {}", type, quoted(destination));
  if (flags != 0) words += fmt::format(", {}", trace::flags_in_words(sys::kMountFlagNames, flags));
  if (data != nullptr && *data != '\0') words += fmt::format(", options {}", quoted(data));
  return words;
}

}  // namespace minidocker::namespaces
