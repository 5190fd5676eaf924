#pragma once
/// \file
/// Images as the engine needs them: the store for reading, the worker for everything that looks
/// into an archive.

#include <string>
#include <vector>

#include "merge_config.hpp"
#include "minidocker/engine/engine.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/store.hpp"

namespace minidocker::engine {

/// An image ready to be run.
struct RunnableImage {
  std::string id;                   ///< 64 hex digits
  ImageDefaults defaults;           ///< what it says about the program
  std::vector<std::string> layers;  ///< unpacked layer directories, absolute, the top one first
};

/// Images of one state directory.
class ImageSource {
 public:
  /// Opens or makes the store below `paths.state`. Throws.
  explicit ImageSource(const Paths& paths);

  /// Removes what killed workers left.
  void clean_temporaries() const;
  /// See Engine::load.
  [[nodiscard]] std::vector<std::string> load(const std::string& path) const;
  /// See Engine::images.
  [[nodiscard]] std::vector<ImageSummary> list() const;
  /// Finds an image and unpacks what is not unpacked yet. Throws Error(not_found).
  [[nodiscard]] RunnableImage prepare(const std::string& name) const;

 private:
  struct Loaded {
    std::string id;
    std::vector<std::string> names;
  };
  /// Runs mini-worker; throws its error.
  [[nodiscard]] Loaded run_worker(const std::string& from, const std::string& image) const;

  std::string worker_;
  std::string layers_dir_;
  std::string temporaries_;
  images::Store store_;
  images::LayerStore layers_;
};

}  // namespace minidocker::engine
