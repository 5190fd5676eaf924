#include "minidocker/unionfs/merged_copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <set>
#include <utility>

#include "copy_content.hpp"
#include "layer_paths.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/unionfs/whiteout.hpp"
#include "xattrs.hpp"

namespace minidocker::unionfs {
namespace {

/// Of whoever makes files until the last step gives them to their owner.
constexpr mode_t kOurs = 0700;

UniqueFd open_top(const std::string& path) {
  return sys::open(path.c_str(), O_RDONLY | O_DIRECTORY).or_throw(quoted(path));
}

/// A file of a layer, and the place of its copy.
struct Source {
  int dir;             ///< directory of the layer
  int copy_dir;        ///< directory of the copy
  std::string name;    ///< in both
  std::string path;    ///< in the whole tree
  std::size_t layer;   ///< which one
  struct stat status;  ///< of the file
};

class Merger {
 public:
  Merger(const std::vector<std::string>& layers, const std::string& target)
      : names_(layers), target_name_(target), target_(open_top(target)) {
    for (const std::string& layer : layers) layers_.push_back(open_top(layer));
  }

  /// Directories wait in a list rather than on the stack: however deep a tree is, few descriptors
  /// are open at a time.
  void run() {
    Directory top;
    for (std::size_t i = 0; i < layers_.size(); ++i) top.layers.push_back(i);
    std::vector<Directory> waiting{std::move(top)};
    while (!waiting.empty()) {
      const Directory directory = std::move(waiting.back());
      waiting.pop_back();
      made_.emplace_back(directory.path, directory.layers.front());
      merge(directory, waiting);
    }
    // Names made in a directory change its times, and its mode may forbid to make any.
    for (const auto& [path, layer] : made_) finish_directory(path, layer);
  }

 private:
  /// A directory of the merged tree, and the layers that it is merged of, the topmost first.
  struct Directory {
    std::string path;
    std::vector<std::size_t> layers;
  };

  void merge(const Directory& directory, std::vector<Directory>& waiting) {
    const UniqueFd copy = open_in(target_.get(), directory.path, target_name_);
    std::map<std::string, Directory> below;  // still open to lower layers
    std::set<std::string> settled;           // to lower layers no more
    for (const std::size_t layer : directory.layers) {
      const UniqueFd dir = open_in(layers_[layer].get(), directory.path, names_[layer]);
      add_layer({dir.get(), copy.get(), "", directory.path, layer, {}}, below, settled);
      // The tops of layers are always merged, whatever they say.
      const bool is_top = directory.path.empty();
      if (!is_top && is_opaque(dir.get()).or_throw(quoted(directory.path))) break;
    }
    for (auto& [name, child] : below) waiting.push_back(std::move(child));
  }

  void add_layer(Source source, std::map<std::string, Directory>& below,
                 std::set<std::string>& settled) {
    const std::string parent = source.path;
    for (const NamedType& entry : read_layer_dir(source.dir, names_[source.layer])) {
      if (settled.contains(entry.name)) continue;
      source.name = entry.name;
      source.path = joined(parent, entry.name);
      source.status = sys::fstatat(source.dir, entry.name.c_str(), AT_SYMLINK_NOFOLLOW)
                          .or_throw(quoted(source.path));
      if (S_ISDIR(source.status.st_mode)) {
        add_directory(source, below);
      } else {
        settled.insert(entry.name);
        // What lies below a file, or is gone, does not show through.
        if (!below.contains(entry.name) && !is_whiteout(source.status)) copy_file(source);
      }
    }
  }

  static void add_directory(const Source& source, std::map<std::string, Directory>& below) {
    const auto [place, is_first] = below.try_emplace(source.name);
    place->second.path = source.path;
    place->second.layers.push_back(source.layer);
    if (!is_first) return;
    sys::mkdirat(source.copy_dir, source.name.c_str(), kOurs).or_throw(quoted(source.path));
  }

  void copy_file(const Source& source) {
    if (source.status.st_nlink > 1 && link_again(source)) return;
    make(source);
    take_over(source.dir, source.copy_dir, source.name.c_str(), source.status, source.path);
  }

  /// Is there a copy under another name of it already? Then this becomes one more.
  bool link_again(const Source& source) {
    const auto [place, is_first] =
        links_.try_emplace({source.layer, source.status.st_ino}, source.path);
    if (is_first) return false;
    const std::string& first = place->second;
    const std::size_t slash = first.rfind('/');
    const UniqueFd dir = open_in(
        target_.get(), slash == std::string::npos ? "" : first.substr(0, slash), target_name_);
    sys::linkat(dir.get(), first.c_str() + (slash == std::string::npos ? 0 : slash + 1),
                source.copy_dir, source.name.c_str(), 0)
        .or_throw(quoted(source.path));
    return true;
  }

  void make(const Source& source) {
    const char* name = source.name.c_str();
    if (S_ISREG(source.status.st_mode)) {
      const UniqueFd from =
          sys::openat(source.dir, name, O_RDONLY | O_NOFOLLOW).or_throw(quoted(source.path));
      const UniqueFd to =
          sys::openat(source.copy_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600)
              .or_throw(quoted(source.path));
      copy_content(from.get(), to.get(), source.status.st_size, way_, source.path);
    } else if (S_ISLNK(source.status.st_mode)) {
      std::array<char, PATH_MAX> link{};
      sys::readlinkat(source.dir, name, link.data(), link.size() - 1).or_throw(quoted(source.path));
      sys::symlinkat(link.data(), source.copy_dir, name).or_throw(quoted(source.path));
    } else {
      sys::mknodat(source.copy_dir, name, source.status.st_mode & (S_IFMT | kOurs),
                   source.status.st_rdev)
          .or_throw(quoted(source.path));
    }
  }

  /// Owner first: changing it takes away set-user-ID bits and capabilities. Times last. Without a
  /// name: of the directories themselves.
  static void take_over(int from, int to, const char* name, const struct stat& status,
                        const std::string& what) {
    const char* place = name != nullptr ? name : ".";
    const FdPath path(to, place);
    sys::fchownat(to, place, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW)
        .or_throw(quoted(what));
    if (!S_ISLNK(status.st_mode)) {
      sys::fchmodat(to, place, status.st_mode & 07777U).or_throw(quoted(what));
    }
    for (const auto& [xattr, value] : read_xattrs(from, name, what)) {
      sys::lsetxattr(path.c_str(), xattr.c_str(), value.data(), value.size())
          .or_throw(quoted(what));
    }
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    sys::utimensat(to, place, times, AT_SYMLINK_NOFOLLOW).or_throw(quoted(what));
  }

  void finish_directory(const std::string& path, std::size_t layer) {
    const UniqueFd from = open_in(layers_[layer].get(), path, names_[layer]);
    const UniqueFd to = open_in(target_.get(), path, target_name_);
    take_over(from.get(), to.get(), nullptr, sys::fstat(from.get()).or_throw(quoted(path)), path);
  }

  static UniqueFd open_in(int root, const std::string& path, const std::string& whose) {
    return open_layer_dir(root, path).or_throw(quoted(joined(whose, path)));
  }

  const std::vector<std::string>& names_;
  const std::string& target_name_;
  UniqueFd target_;
  std::vector<UniqueFd> layers_;
  std::vector<std::pair<std::string, std::size_t>> made_;       // directories
  std::map<std::pair<std::size_t, ino_t>, std::string> links_;  // first copy of a linked file
  CopyWay way_ = CopyWay::share;
};

}  // namespace

void copy_merged(const std::vector<std::string>& layers, const std::string& target) {
  const trace::Scope scope("03-unionfs", "copy what the layers show together into " + target,
                           "without a union filesystem each container needs files of its own");
  if (layers.empty()) throw Error(ErrorKind::invalid_argument, "there is no layer to copy");
  Merger(layers, target).run();
}

}  // namespace minidocker::unionfs
