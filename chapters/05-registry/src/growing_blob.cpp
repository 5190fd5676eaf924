#include "growing_blob.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "parallel.hpp"

namespace minidocker::registry {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;

std::size_t read_at(int fd, std::uint64_t offset, void* buffer, std::size_t size,
                    const std::string& path) {
  const ssize_t got = ::pread(fd, buffer, size, static_cast<off_t>(offset));
  if (got < 0) throw SystemError("pread", path, errno);
  return static_cast<std::size_t>(got);
}

}  // namespace

GrowingBlob::GrowingBlob(std::string path, std::uint64_t whole)
    : path_(std::move(path)),
      whole_(whole),
      fd_(sys::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW, 0644).or_throw(path_)) {}

void GrowingBlob::take_up(const std::function<void(std::uint64_t bytes)>& moved) {
  std::vector<char> buffer(kPieceBytes);
  std::uint64_t size = 0;
  while (size < whole_) {
    const std::size_t wanted = std::min<std::uint64_t>(buffer.size(), whole_ - size);
    const std::size_t got = read_at(fd_.get(), size, buffer.data(), wanted, path_);
    if (got == 0) break;
    hasher_.update(buffer.data(), got);
    size += got;
    grow_to(size);
    moved(size);
  }
  sys::ftruncate(fd_.get(), static_cast<off_t>(size)).or_throw(path_);
  sys::lseek(fd_.get(), static_cast<off_t>(size), SEEK_SET).or_throw(path_);
}

void GrowingBlob::append(std::string_view piece) {
  write_all(fd_.get(), piece, path_);
  hasher_.update(piece.data(), piece.size());
  grow_to(size() + piece.size());
}

// The file keeps its length: whoever reads beyond waits until the same bytes have come again.
void GrowingBlob::restart() {
  grow_to(0);
  sys::lseek(fd_.get(), 0, SEEK_SET).or_throw(path_);
  hasher_ = images::Hasher();
}

void GrowingBlob::grow_to(std::uint64_t size) {
  const MutexLock lock(mutex_);
  size_ = size;
  changed_.notify_all();
}

void GrowingBlob::finish() {
  const MutexLock lock(mutex_);
  finished_ = true;
  changed_.notify_all();
}

bool GrowingBlob::is_finished() const {
  const MutexLock lock(mutex_);
  return finished_;
}

std::uint64_t GrowingBlob::size() const {
  const MutexLock lock(mutex_);
  return size_;
}

std::size_t GrowingBlob::read(std::uint64_t offset, void* buffer, std::size_t size) const {
  const std::uint64_t there = wait_beyond(offset);
  return read_at(fd_.get(), offset, buffer, std::min<std::uint64_t>(size, there - offset), path_);
}

// How many bytes there are: more than `offset`, or as many if that is the end.
std::uint64_t GrowingBlob::wait_beyond(std::uint64_t offset) const {
  const MutexLock lock(mutex_);
  while (!given_up_ && !finished_ && size_ <= offset) changed_.wait(mutex_);
  if (given_up_) throw Cancelled();
  return std::max(size_, offset);
}

void GrowingBlob::give_up() {
  const MutexLock lock(mutex_);
  given_up_ = true;
  changed_.notify_all();
}

}  // namespace minidocker::registry
