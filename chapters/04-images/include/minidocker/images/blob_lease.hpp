#pragma once
/// \file
/// Blobs that somebody counts on before any image names them: a lock for each digest, seen by all
/// processes that use one store.

#include <string>
#include <vector>

#include "minidocker/images/digest.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::images {

/// Leases digests until its end. Two pulls of one image fetch it once, as the second waits for the
/// first; and a sweep leaves alone what is leased. A digest is locked as one byte of a file, at the
/// offset that its first 60 bits are: nothing has to be made for it, and nothing stays of it.
/// Digests that agree in those wait for each other, which harms nobody.
class BlobLease {
 public:
  /// Waits until nobody else holds any of `digests` of the store in that directory. They are taken
  /// in the order of their offsets, so that two who want the same ones never wait for each other.
  /// Throws SystemError.
  explicit BlobLease(const std::string& store_dir, const std::vector<Digest>& digests = {});

  /// One more, unless somebody else holds it: false then. Throws SystemError.
  [[nodiscard]] bool try_add(const Digest& digest);

 private:
  std::string file_;
  UniqueFd fd_;
};

}  // namespace minidocker::images
