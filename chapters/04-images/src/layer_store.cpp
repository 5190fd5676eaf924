#include "minidocker/images/layer_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/whiteout.hpp"

namespace minidocker::images {

namespace {

bool hides_all_below(const std::string& layer) {
  const UniqueFd root = sys::open(layer.c_str(), O_RDONLY | O_DIRECTORY).or_throw(layer);
  return unionfs::is_opaque(root.get()).or_throw(layer);
}

// Directories are opened by descriptor, one within the other: no name of a layer leads out of it.
std::uint64_t size_below(const UniqueFd& dir, const std::string& what, std::set<ino_t>& seen) {
  std::uint64_t size = 0;
  for (const std::string& name : list_dir(fmt::format("/proc/self/fd/{}", dir.get()))) {
    const std::string path = what + "/" + name;
    const struct stat status =
        sys::fstatat(dir.get(), name.c_str(), AT_SYMLINK_NOFOLLOW).or_throw(path);
    if (S_ISDIR(status.st_mode)) {
      constexpr int kOpen = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
      sys::Result<UniqueFd> inner = sys::openat(dir.get(), name.c_str(), kOpen);
      if (inner.error() == EACCES) continue;  // an ordinary user's own, made unreadable by an image
      size += size_below(std::move(inner).or_throw(path), path, seen);
    } else if (status.st_nlink == 1 || seen.insert(status.st_ino).second) {
      size += static_cast<std::uint64_t>(status.st_size);
    }
  }
  return size;
}

}  // namespace

// Closed to other users of the host: layers hold programs that run as root for whoever starts them.
LayerStore::LayerStore(const std::string& dir) : dir_(dir + "/sha256") { make_dirs(dir_, 0700); }

std::string LayerStore::path(const Digest& diff_id) const { return dir_ + "/" + diff_id.hex(); }

bool LayerStore::has(const Digest& diff_id) const { return exists(path(diff_id)); }

std::vector<std::string> LayerStore::paths_of(const ImageConfig& config) const {
  std::vector<std::string> paths;
  for (auto id = config.diff_ids.rbegin(); id != config.diff_ids.rend(); ++id) {
    if (!has(*id)) {
      throw Error(
          ErrorKind::not_found,
          fmt::format("layer {} is not unpacked in {}; load the image again", id->str(), dir_));
    }
    // Overlay refuses to stack a directory on itself; two equal layers of an image do no more
    // than the upper one does.
    std::string layer = path(*id);
    if (std::ranges::find(paths, layer) != paths.end()) continue;
    paths.push_back(layer);
    // Overlay looks for the mark in directories of a layer, and not in the layer's own.
    if (std::next(id) != config.diff_ids.rend() && hides_all_below(layer)) break;
  }
  return paths;
}

std::vector<Digest> LayerStore::missing_of(const ImageConfig& config) const {
  std::vector<Digest> missing;
  for (const Digest& id : config.diff_ids) {
    if (!has(id) && std::ranges::find(missing, id) == missing.end()) missing.push_back(id);
  }
  return missing;
}

void LayerStore::commit(const StoreLock&, const std::string& unpacked,
                        const Digest& diff_id) const {
  const std::string target = path(diff_id);
  sys::Result<> moved =
      sys::renameat2(AT_FDCWD, unpacked.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE);
  if (moved.error() == EEXIST) return;
  std::move(moved).or_throw(target);
}

std::vector<Digest> LayerStore::all() const {
  std::vector<Digest> all;
  for (const std::string& name : list_dir(dir_)) {
    if (const std::optional<Digest> id = Digest::find("sha256:" + name)) all.push_back(*id);
  }
  return all;
}

std::uint64_t LayerStore::size_of(const Digest& diff_id) const {
  return size_of_tree(path(diff_id));
}

std::size_t LayerStore::sweep(const StoreLock&, const std::set<Digest>& needed) const {
  std::size_t removed = 0;
  for (const std::string& name : list_dir(dir_)) {
    const std::optional<Digest> id = Digest::find("sha256:" + name);
    if (id && needed.contains(*id)) continue;
    remove_tree(dir_ + "/" + name);
    ++removed;
  }
  return removed;
}

std::uint64_t size_of_tree(const std::string& dir) {
  std::set<ino_t> seen;
  return size_below(sys::open(dir.c_str(), O_RDONLY | O_DIRECTORY).or_throw(dir), dir, seen);
}

std::set<Digest> needed_layers(const Store& store) {
  std::set<Digest> needed;
  for (const Image& image : store.whole_images()) {
    for (const Digest& id : store.config_of(image).diff_ids) needed.insert(id);
  }
  return needed;
}

}  // namespace minidocker::images
