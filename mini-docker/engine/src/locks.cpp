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

}  // namespace

FileLock FileLock::take(const std::string& path) {
  UniqueFd fd = open_lock(path);
  sys::flock(fd.get(), LOCK_EX).or_throw(path);
  return FileLock(std::move(fd));
}

std::optional<FileLock> FileLock::try_take(const std::string& path) {
  UniqueFd fd = open_lock(path);
  sys::Result<> locked = sys::flock(fd.get(), LOCK_EX | LOCK_NB);
  if (locked.error() == EWOULDBLOCK) return std::nullopt;
  std::move(locked).or_throw(path);
  return FileLock(std::move(fd));
}

}  // namespace minidocker::engine
