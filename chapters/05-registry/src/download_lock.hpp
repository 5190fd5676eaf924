#pragma once
/// \file
/// Who downloads what: a lock for each digest, seen by all processes that use one store.

#include <string>
#include <vector>

#include "minidocker/images/digest.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::registry {

/// Holds the digests until its end. A digest is locked as one byte of a file, at the offset that
/// its first 60 bits are: nothing has to be made for it, and nothing stays of it. Digests that
/// agree in those wait for each other, which harms nobody.
class DownloadLock {
 public:
  /// Waits until nobody else holds any of `digests`. They are taken in the order of their offsets,
  /// so that two who want the same ones never wait for each other. Throws SystemError.
  DownloadLock(const std::string& file, const std::vector<images::Digest>& digests);

 private:
  UniqueFd fd_;
};

}  // namespace minidocker::registry
