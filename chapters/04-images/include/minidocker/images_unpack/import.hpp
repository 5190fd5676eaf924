#pragma once
/// \file
/// Images brought in from outside: an OCI image layout (a directory, or in a tar), or what
/// `docker save` writes; the tar plain or gzipped.
///
/// Order, so that nothing is half there: everything is staged in the workspace and hashed, then
/// checked, then the layers are unpacked in the workspace, and only then, under the store's lock,
/// blobs, layers and at last the index entry move to their places.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "minidocker/images/image_name.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/manifest.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images/workspace.hpp"

namespace minidocker::images_unpack {

/// Told as it happens: layer, warning and image events.
using Progress = std::function<void(const images::WorkerEvent&)>;

/// Where images and layers go. All borrowed.
struct ImportTarget {
  const images::Store& store;                            ///< blobs and index
  const images::LayerStore& layers;                      ///< unpacked layers
  images::Workspace& workspace;                          ///< what is not finished
  images::Owners owners = images::Owners::keep;          ///< what becomes of foreign owners
  images::Platform platform = images::Platform::here();  ///< which image of an index is taken
  /// Most bytes that one run may stage and unpack, together: a hostile archive shall fill no disk
  /// that the largest honest images (some 50 GB) leave room on.
  std::uint64_t max_bytes = std::uint64_t{256} << 30U;
};

/// Loads all images for the platform that `from` holds: a directory, a file, or `-` for standard
/// input. An image whose config names another platform is loaded with a warning, one whose index
/// does is not. Throws; nothing of them is in the store then. not_found if a blob or the platform
/// is missing, invalid_argument for anything damaged.
void import_images(const std::string& from, const ImportTarget& target, const Progress& progress);

/// An image of one layer, made of a root that somebody packed.
struct TarballOptions {
  std::vector<images::ImageName> names;  ///< may be empty
  std::string changes;                   ///< see images::change_config()
  std::string comment;                   ///< stands in its history
  std::string created;                   ///< RFC 3339
};

/// Makes an image of the tar archive (plain, gzip or zstd) that the file `from` holds, or standard
/// input for `-`: `docker import`. The archive becomes the layer as it is, byte by byte. Throws;
/// nothing is in the store then.
void import_tarball(const std::string& from, const TarballOptions& options,
                    const ImportTarget& target, const Progress& progress);

/// Unpacks the layers of an image of the store that are not unpacked, verifying its blobs again.
/// `image` is a name, an id or the beginning of one. Throws.
void unpack_image(const std::string& image, const ImportTarget& target, const Progress& progress);

}  // namespace minidocker::images_unpack
