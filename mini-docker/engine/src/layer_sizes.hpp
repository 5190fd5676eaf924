#pragma once
/// \file
/// How large unpacked layers are. Counting takes a look at every file, and a layer never changes:
/// so what was counted once is remembered by its diff ID.

#include <set>

#include "database.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/toolbox/bytes.hpp"

namespace minidocker::engine {

/// Sizes of layers, remembered in the engine's records. Borrows both.
class LayerSizes {
 public:
  LayerSizes(Database& database, const images::LayerStore& layers)
      : database_(database), layers_(layers) {}  ///< of these layers

  /// Of the layer's files; 0 if it is not unpacked. Throws Error.
  [[nodiscard]] Bytes of(const images::Digest& diff_id) const;
  /// Of all of them, each once. Throws Error.
  [[nodiscard]] Bytes of(const std::set<images::Digest>& diff_ids) const;
  /// Of a layer that is gone.
  void forget(const images::Digest& diff_id) const;

 private:
  Database& database_;
  const images::LayerStore& layers_;
};

}  // namespace minidocker::engine
