#include "minidocker/images/blob_lease.hpp"

#include <fcntl.h>

#include <cerrno>
#include <charconv>
#include <set>
#include <utility>

#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images {

namespace {

off_t offset_of(const Digest& digest) {
  off_t offset = 0;
  std::from_chars(digest.hex().data(), digest.hex().data() + 15, offset, 16);
  return offset;
}

}  // namespace

BlobLease::BlobLease(const std::string& store_dir, const std::vector<Digest>& digests)
    : file_(store_dir + "/leases"),
      fd_(sys::open(file_.c_str(), O_RDWR | O_CREAT, 0600).or_throw(file_)) {
  std::set<off_t> offsets;
  for (const Digest& digest : digests) offsets.insert(offset_of(digest));
  for (const off_t offset : offsets) sys::lock_range(fd_.get(), offset, 1).or_throw(file_);
}

bool BlobLease::try_add(const Digest& digest) {
  sys::Result<> locked = sys::try_lock_range(fd_.get(), offset_of(digest), 1);
  if (locked.error() == EAGAIN || locked.error() == EACCES) return false;
  std::move(locked).or_throw(file_);
  return true;
}

}  // namespace minidocker::images
