#include "locks.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::engine {
namespace {

UniqueFd open_lock(const std::string& path) {
  return sys::open(path.c_str(), O_RDWR | O_CREAT, 0600).or_throw(path);
}

/// Is it still the file of that name? Whoever held it may have removed it while we waited, and
/// somebody else may hold a new one by now.
bool is_named(const UniqueFd& fd, const std::string& path) {
  const struct stat open = sys::fstat(fd.get()).or_throw(path);
  const sys::Result<struct stat> named = sys::fstatat(AT_FDCWD, path.c_str(), 0);
  return named.ok() && named.value().st_dev == open.st_dev && named.value().st_ino == open.st_ino;
}

}  // namespace

FileLock FileLock::take(const std::string& path) {
  for (;;) {
    UniqueFd fd = open_lock(path);
    sys::flock(fd.get(), LOCK_EX).or_throw(path);
    if (is_named(fd, path)) return FileLock(std::move(fd));
  }
}

std::optional<FileLock> FileLock::try_take(const std::string& path) {
  for (;;) {
    UniqueFd fd = open_lock(path);
    sys::Result<> locked = sys::flock(fd.get(), LOCK_EX | LOCK_NB);
    if (locked.error() == EWOULDBLOCK) return std::nullopt;
    std::move(locked).or_throw(path);
    if (is_named(fd, path)) return FileLock(std::move(fd));
  }
}

}  // namespace minidocker::engine
