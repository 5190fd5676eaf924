#pragma once
/// \file
/// Images as the engine needs them: the store for reading, the worker for everything that looks
/// into an archive.

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "merge_config.hpp"
#include "minidocker/engine/engine.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/images/worker_protocol.hpp"

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
  /// See Engine::pull.
  [[nodiscard]] PulledImage pull(const TransferRequest& request, const LayerWatch& watch) const;
  /// See Engine::push.
  [[nodiscard]] std::string push(const TransferRequest& request, const LayerWatch& watch) const;
  /// See Engine::has_image.
  [[nodiscard]] bool has(const std::string& name) const;
  /// See Engine::images.
  [[nodiscard]] ImageList list() const;
  /// Finds an image and unpacks what is not unpacked yet. Throws Error(not_found).
  [[nodiscard]] RunnableImage prepare(const std::string& name) const;

 private:
  /// For this store, with nothing to do yet.
  [[nodiscard]] images::WorkerRequest request() const;
  /// The same, for a registry.
  [[nodiscard]] images::WorkerRequest request(images::WorkerVerb verb,
                                              const TransferRequest& wanted) const;
  /// Runs mini-worker and tells of its events as they come; throws its error.
  void run_worker(const images::WorkerRequest& request,
                  const std::function<void(const images::WorkerEvent&)>& told) const;

  std::string worker_;
  std::string layers_dir_;
  std::string temporaries_;
  images::Store store_;
  images::LayerStore layers_;
};

}  // namespace minidocker::engine
