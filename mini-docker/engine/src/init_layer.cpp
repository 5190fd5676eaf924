#include "init_layer.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::engine {
namespace {

/// What the topmost layer that names `path` has there, a whiteout included; nothing if none does.
/// `path` has no directory above it but the root, or ones that were found to be directories.
std::optional<struct stat> find_in(const std::vector<std::string>& layers, const char* path) {
  for (const std::string& layer : layers) {
    const std::string whole = layer + path;
    sys::Result<struct stat> status = sys::fstatat(AT_FDCWD, whole.c_str(), AT_SYMLINK_NOFOLLOW);
    if (status.ok()) return status.value();
    if (status.error() == ENOENT || status.error() == ENOTDIR) continue;
    std::move(status).or_throw(whole);
  }
  return std::nullopt;
}

/// A directory that looks like `model` from inside.
void make_like(const std::string& path, const struct stat& model) {
  make_dirs(path);
  sys::fchmodat(AT_FDCWD, path.c_str(), model.st_mode & 07777U).or_throw(path);
  if (sys::geteuid() != 0) return;  // all is the user's own then
  sys::fchownat(AT_FDCWD, path.c_str(), model.st_uid, model.st_gid, 0).or_throw(path);
}

void link_mtab(const std::string& upper, const std::vector<std::string>& layers) {
  const std::optional<struct stat> etc = find_in(layers, "/etc");
  if (!etc || !S_ISDIR(etc->st_mode) || find_in(layers, "/etc/mtab")) return;
  make_like(upper + "/etc", *etc);
  const std::string mtab = upper + "/etc/mtab";
  sys::symlinkat("/proc/mounts", AT_FDCWD, mtab.c_str()).or_throw(mtab);
}

}  // namespace

void make_upper(const std::string& upper, const std::vector<std::string>& layers) {
  struct stat root{};
  root.st_mode = 0755;
  make_like(upper, find_in(layers, "").value_or(root));
  write_atomically(upper + "/.dockerenv", "", 0755);
  link_mtab(upper, layers);
}

}  // namespace minidocker::engine
