#include "tree_path.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/whiteout.hpp"

namespace minidocker::images_unpack {

namespace {

constexpr std::size_t kMaxOpened = 64;
constexpr std::size_t kMaxPath = 4095;

}  // namespace

std::string TreePath::parent() const {
  const std::size_t slash = text.rfind('/');
  return slash == std::string::npos ? std::string() : text.substr(0, slash);
}

const char* TreePath::name() const {
  const std::size_t slash = text.rfind('/');
  return text.c_str() + (slash == std::string::npos ? 0 : slash + 1);
}

TreePath parse_tree_path(std::string_view name, std::string& why) {
  TreePath path;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") why = "it climbs by \"..\"";
    if (!path.text.empty()) path.text += '/';
    path.text += part;
  }
  // "/" alone is how some tools write the layer's own directory.
  if (name.starts_with('/') && !path.is_root()) why = "its path is absolute";
  if (path.text.size() > kMaxPath) why = "its path is longer than 4095 bytes";
  if (path.text.find('\0') != std::string::npos) why = "its path holds a NUL byte";
  return path;
}

void Directories::refuse(std::string_view path, std::string_view why) const {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: member {}: {}", what_, minidocker::quoted(path), why));
}

UniqueFd Directories::try_open(const std::string& path, int& error) const {
  sys::Result<UniqueFd> opened = sys::openat2(root_, path.c_str(), O_PATH | O_DIRECTORY,
                                              RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  error = opened.error();
  switch (error) {
    case 0:
      return std::move(opened).value();
    case ENOENT:
    case ENOTDIR:
      return {};
    case EXDEV:
      refuse(path, "it climbs out of the layer through a symlink");
    case ELOOP:
      refuse(path, "the symlinks on the way to it lead round in a circle");
    default:
      return std::move(opened).or_throw(what_ + ": " + path);
  }
}

// Makes a missing directory. A dangling symlink cannot be made one: it is refused.
void Directories::make_one(int parent, const std::string& name, const std::string& path) const {
  const sys::Result<> made = sys::mkdirat(parent, name.c_str(), 0755);
  if (made.error() == EEXIST) refuse(path, "it leads through a symlink to nowhere");
  if (!made) sys::throw_failure(made.call(), made.error(), name_of(path), {});
}

// A whiteout came before what the layer itself has below that name (OCI image-spec layer.md allows
// either order): the directory is new, and nothing of the layers below belongs into it.
void Directories::replace_whiteout(int parent, const std::string& name,
                                   const std::string& path) const {
  const sys::Result<struct stat> there = sys::fstatat(parent, name.c_str(), AT_SYMLINK_NOFOLLOW);
  if (!there || !unionfs::is_whiteout(there.value())) {
    refuse(path, "a file stands where it needs a directory");
  }
  sys::unlinkat(parent, name.c_str(), 0).or_throw(name_of(path));
  make_one(parent, name, path);
  const UniqueFd made = sys::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                            .or_throw(name_of(path));
  unionfs::mark_opaque(made.get()).or_throw(name_of(path));
}

// A component is missing or hidden: makes one after the other.
UniqueFd Directories::make(const std::string& path) {
  UniqueFd directory = sys::openat(root_, ".", O_PATH | O_DIRECTORY).or_throw(what_);
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string prefix = path.substr(0, end);
    const std::string name = path.substr(at, end - at);
    int error = 0;
    UniqueFd next = try_open(prefix, error);
    if (error == ENOENT) make_one(directory.get(), name, prefix);
    if (error == ENOTDIR) replace_whiteout(directory.get(), name, prefix);
    if (error != 0) next = try_open(prefix, error);
    directory = std::move(next);
    at = end + 1;
  }
  return directory;
}

int Directories::open(const std::string& path) {
  if (path.empty()) return root_;
  if (const auto found = opened_.find(path); found != opened_.end()) return found->second.get();
  int error = 0;
  UniqueFd opened = try_open(path, error);
  if (error != 0) opened = make(path);
  if (opened_.size() >= kMaxOpened) opened_.clear();
  return opened_.emplace(path, std::move(opened)).first->second.get();
}

}  // namespace minidocker::images_unpack
