#include "download_lock.hpp"

#include <fcntl.h>

#include <charconv>
#include <set>

#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::registry {

namespace {

off_t offset_of(const images::Digest& digest) {
  off_t offset = 0;
  std::from_chars(digest.hex().data(), digest.hex().data() + 15, offset, 16);
  return offset;
}

}  // namespace

DownloadLock::DownloadLock(const std::string& file, const std::vector<images::Digest>& digests)
    : fd_(sys::open(file.c_str(), O_RDWR | O_CREAT, 0600).or_throw(file)) {
  std::set<off_t> offsets;
  for (const images::Digest& digest : digests) offsets.insert(offset_of(digest));
  for (const off_t offset : offsets) sys::lock_range(fd_.get(), offset, 1).or_throw(file);
}

}  // namespace minidocker::registry
