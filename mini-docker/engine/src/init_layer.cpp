#include "init_layer.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/whiteout.hpp"

namespace minidocker::engine {
namespace {

/// What the topmost layer that names `path` has there; nothing if none does, or if it is a
/// whiteout. `path` has no directory above it but the root, or ones that were found to be
/// directories.
std::optional<struct stat> find_in(const std::vector<std::string>& layers,
                                   const std::string& path) {
  for (const std::string& layer : layers) {
    const std::string whole = layer + path;
    sys::Result<struct stat> status = sys::fstatat(AT_FDCWD, whole.c_str(), AT_SYMLINK_NOFOLLOW);
    if (status.error() == ENOENT || status.error() == ENOTDIR) continue;
    const struct stat found = std::move(status).or_throw(whole);
    if (unionfs::is_whiteout(found)) return std::nullopt;
    return found;
  }
  return std::nullopt;
}

struct stat root_of(const std::vector<std::string>& layers) {
  struct stat root{};
  root.st_mode = 0755;
  return find_in(layers, "").value_or(root);
}

/// A directory that looks like `model` from inside.
void make_like(const std::string& path, const struct stat& model) {
  make_dirs(path);
  sys::fchmodat(AT_FDCWD, path.c_str(), model.st_mode & 07777U).or_throw(path);
  if (sys::geteuid() != 0) return;  // all is the user's own then
  sys::fchownat(AT_FDCWD, path.c_str(), model.st_uid, model.st_gid, 0).or_throw(path);
}

/// In /etc, unless the image has a link there: then nothing can be said about what is in it.
void fill_etc(const std::string& init, const std::vector<std::string>& layers) {
  struct stat model{};
  model.st_mode = S_IFDIR | 0755;
  const struct stat etc = find_in(layers, "/etc").value_or(model);
  if (!S_ISDIR(etc.st_mode)) return;
  for (const char* name : {"/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf"}) {
    if (find_in(layers, name)) continue;
    make_like(init + "/etc", etc);
    const std::string path = init + name;
    if (std::string_view(name) == "/etc/mtab") {
      sys::symlinkat("/proc/mounts", AT_FDCWD, path.c_str()).or_throw(path);
    } else {
      write_atomically(path, "", 0755);
    }
  }
}

}  // namespace

void make_init_layer(const std::string& init, const std::vector<std::string>& layers) {
  make_like(init, root_of(layers));
  write_atomically(init + "/.dockerenv", "", 0755);
  for (const char* name : {"/dev", "/proc", "/sys"}) {
    if (!find_in(layers, name)) make_dirs(init + name);
  }
  fill_etc(init, layers);
}

void make_upper(const std::string& upper, const std::vector<std::string>& layers) {
  make_like(upper, root_of(layers));
}

}  // namespace minidocker::engine
