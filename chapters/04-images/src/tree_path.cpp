#include "tree_path.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>

#include <algorithm>
#include <cerrno>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

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
      return {};
    case EXDEV:
      refuse(path, "it climbs out of the layer through a symlink");
    case ELOOP:
      refuse(path, "the symlinks on the way to it lead round in a circle");
    case ENOTDIR:
      refuse(path, "a file stands where it needs a directory");
    default:
      return std::move(opened).or_throw(what_ + ": " + path);
  }
}

// A component is missing: makes one after the other. A dangling symlink cannot be made a
// directory: it is refused.
UniqueFd Directories::make(const std::string& path) {
  UniqueFd directory = sys::openat(root_, ".", O_PATH | O_DIRECTORY).or_throw(what_);
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string prefix = path.substr(0, end);
    int error = 0;
    UniqueFd next = try_open(prefix, error);
    if (error == ENOENT) {
      const std::string name = path.substr(at, end - at);
      const sys::Result<> made = sys::mkdirat(directory.get(), name.c_str(), 0755);
      if (made.error() == EEXIST) refuse(prefix, "it leads through a symlink to nowhere");
      if (!made) sys::throw_failure(made.call(), made.error(), what_ + ": " + prefix, {});
      next = try_open(prefix, error);
    }
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
  if (error == ENOENT) opened = make(path);
  if (opened_.size() >= kMaxOpened) opened_.clear();
  return opened_.emplace(path, std::move(opened)).first->second.get();
}

}  // namespace minidocker::images_unpack
