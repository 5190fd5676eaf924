#include "copy_content.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::unionfs {
namespace {

/// What ioctl_ficlone(2) answers where the filesystem has no such thing: it is one of these,
/// depending on the filesystem.
bool cannot_share(int error) noexcept {
  return error == EOPNOTSUPP || error == ENOTTY || error == EINVAL || error == EXDEV;
}

/// Where the next data, or the next hole, begins; `size` if there is none.
off_t seek(int fd, off_t from, int whence, off_t size, const std::string& what) {
  sys::Result<off_t> found = sys::lseek(fd, from, whence);
  if (found.error() == ENXIO) return size;
  return std::min(std::move(found).or_throw(quoted(what)), size);
}

void copy_range(int from, int to, off_t begin, off_t end, const std::string& what) {
  sys::lseek(from, begin, SEEK_SET).or_throw(quoted(what));
  sys::lseek(to, begin, SEEK_SET).or_throw(quoted(what));
  while (begin < end) {
    sys::Result<std::size_t> done =
        sys::copy_file_range(from, to, static_cast<std::size_t>(end - begin));
    const bool crosses = done.error() == EXDEV;
    const std::size_t copied = std::move(done).or_throw(
        quoted(what), crosses ? "layers and containers must lie on one filesystem" : "");
    if (copied == 0) return;  // it became shorter
    begin += static_cast<off_t>(copied);
  }
}

void copy_all(int from, int to, off_t size, const std::string& what) {
  for (off_t at = 0; at < size;) {
    const off_t data = seek(from, at, SEEK_DATA, size, what);
    const off_t hole = data < size ? seek(from, data, SEEK_HOLE, size, what) : size;
    copy_range(from, to, data, hole, what);
    at = hole;
  }
  sys::ftruncate(to, size).or_throw(quoted(what));
}

}  // namespace

void copy_content(int from, int to, off_t size, CopyWay& way, const std::string& what) {
  if (size == 0) return;
  if (way == CopyWay::share) {
    sys::Result<> shared = sys::clone_file(to, from);
    if (!cannot_share(shared.error())) return std::move(shared).or_throw(quoted(what));
    way = CopyWay::copy;
  }
  copy_all(from, to, size, what);
}

}  // namespace minidocker::unionfs
