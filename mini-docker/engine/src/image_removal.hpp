#pragma once
/// \file
/// Which names and images go when somebody asks for it, and who may forbid it: docker's rules.
///
/// - A *name* is taken away; with a repository's last tag go its digests. An image that loses its
///   last name goes.
/// - An *id* takes all names along, if they are of one repository.
/// - Who uses an image forbids its end: a container that has ended can be overruled, one that runs
///   cannot.

#include <functional>
#include <string>
#include <vector>

#include "minidocker/engine/engine.hpp"
#include "minidocker/images/store.hpp"

namespace minidocker::engine {

/// A container that was made of an image.
struct ImageUser {
  std::string container;    ///< 64 hex digits
  bool is_running = false;  ///< does its program run?
};
/// Those of an image, by its id (64 hex digits).
using ImageUsers = std::function<std::vector<ImageUser>(const std::string& image_id)>;

/// Removes images from a store; their blobs and layers are left to a sweep.
class ImageRemoval {
 public:
  /// A name in both of its forms.
  struct Name {
    std::string full;      ///< as the store has it
    std::string familiar;  ///< as people know it
  };

  /// Borrows all.
  ImageRemoval(const images::Store& store, const images::StoreLock& lock, const ImageUsers& users)
      : store_(store), lock_(lock), users_(users) {}

  /// Removes what `text` means: a name, an id, or the beginning of one. Throws Error(not_found,
  /// conflict) in docker's words.
  void remove(const std::string& text, Force force);
  /// Removes all images of that scope that no container uses.
  void prune(PruneScope scope);
  /// What was removed so far.
  [[nodiscard]] const std::vector<RemovedReference>& removed() const noexcept { return removed_; }

 private:
  void remove_name(images::Image image, const std::string& text, Force force);
  void remove_id(const images::Image& image, Force force);
  void remove_whole(const images::Image& image, Force force);
  void refuse_used(const images::Image& image, Force force) const;
  void drop(const images::Image& image);
  void untag(const Name& name);
  void remove_damaged(const std::string& text);
  [[nodiscard]] std::vector<images::Digest> chain_of(const images::Image& image) const;

  const images::Store& store_;
  const images::StoreLock& lock_;
  const ImageUsers& users_;
  std::vector<RemovedReference> removed_;
};

}  // namespace minidocker::engine
