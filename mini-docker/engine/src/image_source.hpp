#pragma once
/// \file
/// Images as the engine needs them: the store for reading, the worker for everything that looks
/// into an archive.

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "image_listing.hpp"
#include "layer_sizes.hpp"
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
  /// Opens or makes the store below `paths.state`; sizes are remembered in `database`, borrowed.
  /// Throws.
  ImageSource(const Paths& paths, Database& database);
  ImageSource(ImageSource&&) = delete;

  /// Removes what killed workers left; says how many had left something.
  [[nodiscard]] std::size_t clean_temporaries() const;
  /// Nobody adds or sweeps while it is held.
  [[nodiscard]] images::StoreLock lock() const { return store_.lock(); }
  /// For reading.
  [[nodiscard]] Shelf shelf() const { return {store_, layers_, sizes_}; }
  /// Where whoever may leave something half done has a workspace: what a killed one leaves there
  /// makes the next engine sweep.
  [[nodiscard]] const std::string& temporaries() const noexcept { return temporaries_; }
  /// Removes blobs that no image needs, and layers that neither an image nor `used`, which are
  /// directories, needs. Returns how much that was.
  Bytes sweep(const images::StoreLock& lock, const std::set<std::string>& used) const;
  /// Removes what pulls that were cut off left for the next one; returns how much that was.
  [[nodiscard]] Bytes sweep_downloads() const { return Bytes{store_.sweep_downloads().bytes}; }
  /// See Engine::load.
  [[nodiscard]] LoadedImages load(const std::string& path) const;
  /// See Engine::pull.
  [[nodiscard]] PulledImage pull(const TransferRequest& request, const LayerWatch& watch) const;
  /// See Engine::push.
  [[nodiscard]] std::string push(const TransferRequest& request, const LayerWatch& watch) const;
  /// See Engine::names_in_registry.
  [[nodiscard]] std::vector<std::string> names_in_registry(const TransferRequest& request) const;
  /// See Engine::names_here.
  [[nodiscard]] std::vector<std::string> names_here(const std::string& repository) const;
  /// See Engine::login.
  [[nodiscard]] std::string login(const LoginRequest& request) const;
  /// See Engine::logout.
  [[nodiscard]] bool logout(const std::string& registry, const std::string& docker_config) const;
  /// See Engine::has_image.
  [[nodiscard]] bool has(const std::string& name) const;
  /// See Engine::save.
  void save(const std::vector<std::string>& names, const SaveTarget& target) const;
  /// See Engine::import_root.
  [[nodiscard]] LoadedImages import_root(const ImportRequest& wanted) const;
  /// Packs the directory open as `tree` to `out`.
  void export_root(int tree, int out) const;
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
                  const std::function<void(const images::WorkerEvent&)>& told,
                  std::vector<std::pair<int, int>> fds = {}) const;
  /// The same, for what brings images in.
  [[nodiscard]] LoadedImages bring_in(const images::WorkerRequest& request) const;

  std::string worker_;
  std::string layers_dir_;
  std::string temporaries_;
  images::Store store_;
  images::LayerStore layers_;
  LayerSizes sizes_;
};

}  // namespace minidocker::engine
