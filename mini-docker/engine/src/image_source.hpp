#pragma once
/// \file
/// Images as the engine needs them: the store for reading, the worker for everything that looks
/// into an archive.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "merge_config.hpp"
#include "minidocker/engine/engine.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/store.hpp"

namespace minidocker::engine {

/// An image ready to be run.
struct RunnableImage {
  std::string id;                    ///< 64 hex digits
  ImageDefaults defaults;            ///< what it says about the program
  std::vector<std::string> layers;   ///< unpacked layer directories, absolute, the top one first
  std::vector<std::string> volumes;  ///< paths that it wants to be volumes
  std::optional<images::StoreLock> lock;  ///< while it is held nobody sweeps the layers away
};

/// Images of one state directory.
class ImageSource {
 public:
  /// Opens or makes the store below `paths.state`. Throws.
  explicit ImageSource(const Paths& paths);

  /// Removes what killed workers left; says how many had left something.
  [[nodiscard]] std::size_t clean_temporaries() const;
  /// Nobody adds or sweeps while it is held.
  [[nodiscard]] images::StoreLock lock() const { return store_.lock(); }
  /// Removes blobs that no image needs, and layers that neither an image nor `used`, which are
  /// directories, needs.
  void sweep(const images::StoreLock& lock, const std::set<std::string>& used) const;
  /// See Engine::load.
  [[nodiscard]] LoadedImages load(const std::string& path) const;
  /// See Engine::images.
  [[nodiscard]] ImageList list() const;
  /// Finds an image and unpacks what is not unpacked yet. Throws Error(not_found).
  [[nodiscard]] RunnableImage prepare(const std::string& name) const;

 private:
  /// Runs mini-worker; throws its error.
  [[nodiscard]] LoadedImages run_worker(const std::string& from, const std::string& image) const;

  std::string worker_;
  std::string layers_dir_;
  std::string temporaries_;
  images::Store store_;
  images::LayerStore layers_;
};

}  // namespace minidocker::engine
