#include "copy_up_child.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::unionfs {
namespace {

constexpr mode_t kPermissions = 07777;

StepResult copy_content(int from, int to) noexcept {
  std::array<char, 16 * 1024> buffer;
  while (true) {
    const sys::Result<std::size_t> got = sys::read(from, buffer.data(), buffer.size());
    if (!got) return got;
    if (got.value() == 0) return StepResult::ok();
    for (std::size_t at = 0; at < got.value();) {
      const sys::Result<std::size_t> put = sys::write(to, buffer.data() + at, got.value() - at);
      if (!put) return put;
      at += put.value();
    }
  }
}

// Owner, mode and times of what is open; the owner first, as changing it takes bits of the mode.
StepResult set_metadata(int fd, const struct stat& status) noexcept {
  if (const sys::Result<> done = sys::fchownat(fd, "", status.st_uid, status.st_gid, AT_EMPTY_PATH);
      !done) {
    return done;
  }
  if (const sys::Result<> done = sys::fchmod(fd, status.st_mode & kPermissions); !done) return done;
  const struct timespec times[2] = {status.st_atim, status.st_mtim};
  return sys::futimens(fd, times);
}

StepResult copy_file(int from, int to, const char* name, const struct stat& status) noexcept {
  const sys::Result<UniqueFd> source = sys::openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!source) return source;
  const sys::Result<UniqueFd> copy = sys::openat(to, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!copy) return copy;
  const StepResult copied = copy_content(source.value().get(), copy.value().get());
  return copied ? set_metadata(copy.value().get(), status) : copied;
}

StepResult copy_link(int from, int to, const char* name, const struct stat& status) noexcept {
  std::array<char, PATH_MAX> target;
  const sys::Result<std::size_t> size =
      sys::readlinkat(from, name, target.data(), target.size() - 1);
  if (!size) return size;
  target[size.value()] = '\0';
  if (const sys::Result<> made = sys::symlinkat(target.data(), to, name); !made) return made;
  return sys::fchownat(to, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW);
}

StepResult copy_level(int from, int to, int depth) noexcept;

StepResult copy_directory(int from, int to, const char* name, const struct stat& status,
                          int depth) noexcept {
  if (depth == kMaxCopyDepth) return StepResult::failure(ELOOP);
  const sys::Result<UniqueFd> source = sys::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!source) return source;
  if (const sys::Result<> made = sys::mkdirat(to, name, 0700); !made) return made;
  const sys::Result<UniqueFd> copy = sys::openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!copy) return copy;
  const StepResult copied = copy_level(source.value().get(), copy.value().get(), depth + 1);
  return copied ? set_metadata(copy.value().get(), status) : copied;
}

StepResult copy_entry(int from, int to, const char* name, int depth) noexcept {
  const sys::Result<struct stat> found = sys::fstatat(from, name, AT_SYMLINK_NOFOLLOW);
  if (!found) return found;
  const struct stat& status = found.value();
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      return copy_file(from, to, name, status);
    case S_IFLNK:
      return copy_link(from, to, name, status);
    case S_IFDIR:
      return copy_directory(from, to, name, status, depth);
    default:
      return StepResult::ok();
  }
}

StepResult copy_level(int from, int to, int depth) noexcept {
  alignas(struct dirent64) std::array<char, 8 * 1024> buffer;
  while (true) {
    const sys::Result<std::size_t> got = sys::getdents64(from, buffer.data(), buffer.size());
    if (!got) return got;
    if (got.value() == 0) return StepResult::ok();
    for (std::size_t at = 0; at < got.value();) {
      const auto* entry = reinterpret_cast<const struct dirent64*>(buffer.data() + at);
      at += entry->d_reclen;
      const char* name = entry->d_name;
      if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
      if (const StepResult copied = copy_entry(from, to, name, depth); !copied) return copied;
    }
  }
}

}  // namespace

StepResult copy_up(int from, int to) noexcept { return copy_level(from, to, 0); }

}  // namespace minidocker::unionfs
