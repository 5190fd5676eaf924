#include "minidocker/toolbox/safe_path.hpp"

#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker {
namespace {

using sys::Result;

constexpr sys::CallInfo kOpenat2{"openat2", "openat2(2)"};

/// How many dangling links are followed by hand: as many as the kernel follows (MAXSYMLINKS).
constexpr int kMaxLinks = 40;

Result<UniqueFd> failed(int error) noexcept { return Result<UniqueFd>::failure(kOpenat2, error); }

/// A path that can be edited without allocation.
class PathText {
 public:
  explicit PathText(const char* path) noexcept { replace(0, 0, path); }

  [[nodiscard]] bool fits() const noexcept { return fits_; }
  [[nodiscard]] const char* c_str() const noexcept { return text_; }
  [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }

  /// Replaces [from, to) by `by`.
  void replace(std::size_t from, std::size_t to, std::string_view by) noexcept {
    const std::size_t rest = size_ - to;
    if (from + by.size() + rest + 1 > sizeof(text_)) {
      fits_ = false;
      return;
    }
    std::memmove(text_ + from + by.size(), text_ + to, rest);
    std::memcpy(text_ + from, by.data(), by.size());
    size_ = from + by.size() + rest;
    text_[size_] = '\0';
  }

 private:
  char text_[PATH_MAX] = {};
  std::size_t size_ = 0;
  bool fits_ = true;
};

/// Where a component lies in a path.
struct Component {
  std::size_t begin;
  std::size_t end;
};

/// The first component at or after `from`; empty if there is none.
Component next_component(std::string_view path, std::size_t from) noexcept {
  const std::size_t begin = std::min(path.find_first_not_of('/', from), path.size());
  return {begin, std::min(path.find('/', begin), path.size())};
}

/// The last component; empty if there is none.
Component last_component(std::string_view path) noexcept {
  const std::size_t last = path.find_last_not_of('/');
  if (last == std::string_view::npos) return {0, 0};
  const std::size_t slash = path.find_last_of('/', last);
  return {slash == std::string_view::npos ? 0 : slash + 1, last + 1};
}

/// The path of the directory that holds the component at `name`.
PathText parent_of(const PathText& path, Component name) noexcept {
  PathText parent("");
  parent.replace(0, 0, name.begin == 0 ? "." : path.view().substr(0, name.begin));
  return parent;
}

/// `name` in `dir` is a link that leads to nothing yet: puts its target in its place, as the
/// kernel's own lookup would. EINVAL if it is no link.
int substitute_link(int dir, PathText& path, Component name) noexcept {
  PathText single("");
  single.replace(0, 0, path.view().substr(name.begin, name.end - name.begin));
  char target[PATH_MAX];
  Result<std::size_t> size = sys::readlinkat(dir, single.c_str(), target, sizeof(target));
  if (!size) return size.error();
  const std::string_view link(target, size.value());
  // An absolute target starts again at the root: what stood before it no longer counts.
  path.replace(link.starts_with('/') ? 0 : name.begin, name.end, link);
  return path.fits() ? 0 : ENAMETOOLONG;
}

/// Makes the components of `path` that are missing, one after the other. Returns the last
/// directory, or fails with EAGAIN when a link was substituted and the walk has to start again.
Result<UniqueFd> walk_and_make(int root, PathText& path, mode_t mode) noexcept {
  Result<UniqueFd> dir = open_in_root(root, ".", O_PATH | O_DIRECTORY);
  Component name = next_component(path.view(), 0);
  while (dir && name.begin != name.end) {
    // The prefix is looked up from the root each time: "..", links and all mean what they mean to
    // the kernel, and nothing can lead outside.
    PathText prefix("");
    prefix.replace(0, 0, path.view().substr(0, name.end));
    Result<UniqueFd> next = open_in_root(root, prefix.c_str(), O_PATH | O_DIRECTORY);
    if (next.error() == ENOENT) {
      PathText single("");
      single.replace(0, 0, path.view().substr(name.begin, name.end - name.begin));
      Result<> made = sys::mkdirat(dir.value().get(), single.c_str(), mode);
      if (made.error() == EEXIST) {
        const int error = substitute_link(dir.value().get(), path, name);
        // EINVAL: no link, so somebody else made the directory meanwhile. Start again, too.
        return failed(error == 0 || error == EINVAL ? EAGAIN : error);
      }
      if (!made) return Result<UniqueFd>::failure(made.call(), made.error());
      next = open_in_root(root, prefix.c_str(), O_PATH | O_DIRECTORY);
    }
    dir = std::move(next);
    name = next_component(path.view(), name.end);
  }
  return dir;
}

}  // namespace

FdPath::FdPath(int fd) noexcept : FdPath(fd, {}) {}

FdPath::FdPath(int fd, std::string_view name) noexcept : text_{"/proc/self/fd/"} {
  constexpr std::size_t kPrefix = sizeof("/proc/self/fd/") - 1;
  char* const last = text_.data() + text_.size() - 1;
  char* end = std::to_chars(text_.data() + kPrefix, last, fd).ptr;
  if (name.empty()) return;
  *end++ = '/';
  std::memcpy(end, name.data(), std::min(name.size(), static_cast<std::size_t>(last - end)));
}

Result<UniqueFd> open_in_root(int root, const char* path, int flags, mode_t mode) noexcept {
  return sys::openat2(root, path, static_cast<unsigned>(flags),
                      RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, mode);
}

Result<UniqueFd> make_dirs_in_root(int root, const char* path, mode_t mode) noexcept {
  Result<UniqueFd> there = open_in_root(root, path, O_PATH | O_DIRECTORY);
  if (there.error() != ENOENT) return there;
  PathText text(path);
  if (!text.fits()) return failed(ENAMETOOLONG);
  for (int i = 0; i < kMaxLinks; ++i) {
    Result<UniqueFd> made = walk_and_make(root, text, mode);
    if (made.error() != EAGAIN) return made;
  }
  return failed(ELOOP);
}

Result<UniqueFd> make_file_in_root(int root, const char* path, mode_t mode) noexcept {
  PathText text(path);
  if (!text.fits()) return failed(ENAMETOOLONG);
  for (int i = 0; i < kMaxLinks; ++i) {
    Result<UniqueFd> there = open_in_root(root, text.c_str(), O_PATH);
    if (there.error() != ENOENT) return there;

    const Component name = last_component(text.view());
    Result<UniqueFd> dir = make_dirs_in_root(root, parent_of(text, name).c_str(), 0755);
    if (!dir) return dir;
    Result<ParentAndName> split = open_parent_in_root(root, text.c_str());
    if (!split) return Result<UniqueFd>::failure(split.call(), split.error());
    const int parent = split.value().parent.get();
    Result<UniqueFd> file = sys::openat(parent, split.value().name.data(),
                                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    if (!file && file.error() != EEXIST) return file;
    if (file.error() == EEXIST) {
      const int error = substitute_link(parent, text, name);
      if (error != 0 && error != EINVAL) return failed(error);
    }
    // Look again: it is there now, or the link's target has to be made.
  }
  return failed(ELOOP);
}

Result<ParentAndName> open_parent_in_root(int root, const char* path) noexcept {
  using Split = Result<ParentAndName>;
  const PathText text(path);
  if (!text.fits()) return Split::failure(kOpenat2, ENAMETOOLONG);
  const Component at = last_component(text.view());
  const std::string_view name = text.view().substr(at.begin, at.end - at.begin);
  if (name.empty() || name == "." || name == "..") return Split::failure(kOpenat2, EINVAL);

  ParentAndName split;
  if (name.size() >= split.name.size()) return Split::failure(kOpenat2, ENAMETOOLONG);
  std::memcpy(split.name.data(), name.data(), name.size());
  Result<UniqueFd> parent = open_in_root(root, parent_of(text, at).c_str(), O_PATH | O_DIRECTORY);
  if (!parent) return Split::failure(parent.call(), parent.error());
  const sys::CallInfo& call = parent.call();
  split.parent = std::move(parent).value();
  return {call, std::move(split)};
}

}  // namespace minidocker
