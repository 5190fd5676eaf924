#pragma once
/// \file
/// Layers unpacked once and used by every image and container that needs them: directories named
/// by the diff ID of what they hold, `DIR/sha256/HEX`. A directory of that name is complete: it
/// is filled under a temporary name and renamed. What a layer holds does not depend on the layers
/// below it (whiteouts are marks), so images share it whatever they put under it.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/image_config.hpp"
#include "minidocker/images/store.hpp"

namespace minidocker::images {

/// The directory of unpacked layers. Whoever changes it holds the lock of the store beside it.
class LayerStore {
 public:
  /// `dir` is made if it is missing. Throws SystemError.
  explicit LayerStore(const std::string& dir);

  /// Where the layer is or would be; absolute if the store's directory is.
  [[nodiscard]] std::string path(const Digest& diff_id) const;
  [[nodiscard]] bool has(const Digest& diff_id) const;  ///< is it there (then it is complete)?
  /// The layers of an image, the topmost first, as overlay wants them. A layer that is opaque as a
  /// whole is the last one. Throws not_found if one has not been unpacked.
  [[nodiscard]] std::vector<std::string> paths_of(const ImageConfig& config) const;
  /// Diff IDs of the image's layers that are not there, each once.
  [[nodiscard]] std::vector<Digest> missing_of(const ImageConfig& config) const;

  /// Moves the finished directory `unpacked` to its place; if it is there already, nothing
  /// happens. Throws SystemError.
  void commit(const StoreLock& lock, const std::string& unpacked, const Digest& diff_id) const;
  /// Diff IDs of all layers that are there.
  [[nodiscard]] std::vector<Digest> all() const;
  /// Bytes of all files of a layer: see size_of_tree().
  [[nodiscard]] std::uint64_t size_of(const Digest& diff_id) const;
  /// Removes all that is no layer in `needed`. Returns how many.
  std::size_t sweep(const StoreLock& lock, const std::set<Digest>& needed) const;

 private:
  std::string dir_;
};

/// Bytes of all that is no directory, in a directory and below, as docker counts; of several names
/// of one file once. What we may not look into is left out. Throws SystemError.
[[nodiscard]] std::uint64_t size_of_tree(const std::string& dir);

/// The diff IDs that the images of `store` need. Throws if one of them is damaged.
[[nodiscard]] std::set<Digest> needed_layers(const Store& store);

}  // namespace minidocker::images
