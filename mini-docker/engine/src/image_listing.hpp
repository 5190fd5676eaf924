#pragma once
/// \file
/// What is told of images: lists, history, details.

#include <string>
#include <vector>

#include "layer_sizes.hpp"
#include "minidocker/engine/images.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/store.hpp"

namespace minidocker::engine {

/// Where images are looked for. All borrowed.
struct Shelf {
  const images::Store& store;        ///< images
  const images::LayerStore& layers;  ///< their layers, unpacked
  const LayerSizes& sizes;           ///< of those
};

/// The images that fit, the newest first. Throws Error(not_found) for an unknown image in a filter.
[[nodiscard]] ImageList list_images(const Shelf& shelf, const ImageFilters& filters);
/// An image's steps, the newest first. Throws Error.
[[nodiscard]] std::vector<HistoryLine> history_of(const Shelf& shelf, const std::string& name);
/// All of an image. Throws Error.
[[nodiscard]] ImageDetails details_of(const Shelf& shelf, const std::string& name);
/// The same in short; what cannot be read is added to `warnings`.
[[nodiscard]] ImageSummary summary_of(const Shelf& shelf, const images::Image& image,
                                      std::vector<std::string>& warnings);

}  // namespace minidocker::engine
