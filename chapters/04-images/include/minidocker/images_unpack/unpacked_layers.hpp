#pragma once
/// \file
/// The layers of one run, unpacked in the workspace, several at once, until all of them may go to
/// their places.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/images_unpack/byte_stream.hpp"
#include "minidocker/images_unpack/import.hpp"
#include "minidocker/toolbox/mutex.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::images_unpack {

/// A layer that may have to be unpacked.
struct WantedLayer {
  std::function<std::unique_ptr<ByteStream>()> open;  ///< its blob, from the first byte on
  std::optional<images::Digest> digest;               ///< of the blob; nothing: others verify it
  images::Digest diff_id;                             ///< of the archive inside
};

/// The rest of an open file; `what` names it in errors.
[[nodiscard]] std::unique_ptr<ByteStream> stream_of(UniqueFd fd, std::string what);

/// Unpacks layers and holds them back until commit().
class UnpackedLayers {
 public:
  /// All borrowed; `progress` is told of layers and warnings, by one thread at a time.
  UnpackedLayers(const ImportTarget& target, ByteBudget& budget, const Progress& progress)
      : target_(target), budget_(budget), progress_(progress) {}

  /// Unpacks those that are not there, in their order, a few at once. The umask is out of the way
  /// meanwhile (NoUmask). Throws as unpack_layer().
  void add(std::span<const WantedLayer> layers);
  /// Writes them to the disk and moves them to their places. Throws SystemError.
  void commit(const images::StoreLock& lock) const;

 private:
  void unpack(const WantedLayer& layer, const std::string& directory, const std::stop_token& stop);

  const ImportTarget& target_;
  ByteBudget& budget_;
  Mutex telling_;  // one thread at a time calls progress_
  const Progress& progress_;
  std::map<images::Digest, std::string> directories_;
};

}  // namespace minidocker::images_unpack
