#pragma once
/// \file
/// One blob from a registry into a file: hashed while it is written, taken up again where the
/// connection was cut.

#include <cstdint>
#include <functional>
#include <string>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/manifest.hpp"
#include "minidocker/registry/reference.hpp"
#include "minidocker/registry/session.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::registry {

/// A file that grows, its hash with it.
class GrowingBlob {
 public:
  /// Makes the file. Throws SystemError.
  explicit GrowingBlob(std::string path);
  /// Adds bytes at the end. Throws SystemError.
  void append(std::string_view piece);
  /// Empties it.
  void restart();
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }       ///< bytes so far
  [[nodiscard]] const std::string& path() const noexcept { return path_; }  ///< of the file
  [[nodiscard]] images::Digest digest() { return hasher_.finish(); }        ///< used up then

 private:
  std::string path_;
  UniqueFd fd_;
  images::Hasher hasher_;
  std::uint64_t size_ = 0;
};

/// What a download tells while it goes; what `moved` throws ends it.
struct DownloadWatch {
  std::function<void(std::uint64_t bytes)> moved;  ///< so many are there
  std::function<void(std::uint64_t bytes)> again;  ///< the connection failed; it goes on from here
};

/// Downloads `blob` of the reference's repository to `path`. Throws invalid_argument if it is not
/// what the descriptor says, and as Session.
void download_blob(const Reference& reference, Session& session, const images::Descriptor& blob,
                   const std::string& path, const DownloadWatch& watch);

}  // namespace minidocker::registry
