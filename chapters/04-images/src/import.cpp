#include "minidocker/images_unpack/import.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "import_plan.hpp"
#include "import_source.hpp"
#include "import_tarball.hpp"
#include "minidocker/images_unpack/unpacked_layers.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images_unpack {

namespace {

using images::Descriptor;
using images::Digest;
using images::WorkerEvent;

WorkerEvent image_event(const PlannedImage& image, const Descriptor& manifest) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::image;
  event.id = image.config_file.digest.str();
  event.manifest = manifest.digest.str();
  for (const images::ImageName& name : image.names) event.names.push_back(name.full());
  return event;
}

// `docker save` and indexes without platforms tell only here what an image is built for.
void warn_of_platform(const PlannedImage& image, const images::Platform& host,
                      const Progress& progress) {
  const images::Platform& built_for = image.config.platform;
  if (built_for.architecture.empty() || built_for.fits(host)) return;
  progress(WorkerEvent::of(WorkerEvent::Type::warning,
                           fmt::format("image {}: its platform ({}) does not match the detected "
                                       "host platform ({}): its programs "
                                       "will not run",
                                       image.names.empty() ? image.config_file.digest.str()
                                                           : image.names.front().familiar(),
                                       built_for.str(), host.str())));
}

std::vector<WantedLayer> layers_of(const PlannedImage& image) {
  std::vector<WantedLayer> layers;
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    const std::string path = image.layers[i].path;
    layers.push_back(
        {[path] { return stream_of(sys::open(path.c_str(), O_RDONLY).or_throw(path), path); },
         std::nullopt, image.config.diff_ids[i]});
  }
  return layers;
}

// The older form of `docker save` has no manifest, and the one that we make for it is not the one
// that a registry has of the same image. If that one is here, whole, a second is of no use.
std::optional<Descriptor> find_manifest(const PlannedImage& image, const images::Store& store) {
  if (!image.is_described) return std::nullopt;
  const auto is_whole = [&store](const Descriptor& blob) {
    return store.has_whole_blob(blob.digest, blob.size);
  };
  for (const images::Image& other : store.images()) {
    if (other.id != image.config_file.digest) continue;
    const images::Manifest manifest = store.manifest_of(other);
    if (is_whole(manifest.config) && std::ranges::all_of(manifest.layers, is_whole)) {
      return other.manifest;
    }
  }
  return std::nullopt;
}

// Returns the manifest that it is recorded under.
Descriptor record(const PlannedImage& image, const ImportTarget& target,
                  const images::StoreLock& lock) {
  if (const std::optional<Descriptor> manifest = find_manifest(image, target.store)) {
    target.store.add_image(lock, *manifest, image.names);
    return *manifest;
  }
  std::set<Digest> adopted;  // an image may have a layer twice, and one file of it
  for (const StagedFile& layer : image.layers) {
    if (adopted.insert(layer.digest).second) {
      target.store.adopt_blob(lock, layer.path, layer.digest);
    }
  }
  target.store.adopt_blob(lock, image.config_file.path, image.config_file.digest);
  target.store.put_blob(lock, image.manifest_text);
  target.store.add_image(lock, image.manifest, image.names);
  return image.manifest;
}

// Unpacks what is planned, and records it.
void bring_in(const std::vector<PlannedImage>& images, const ImportTarget& target,
              ByteBudget& budget, const Progress& progress) {
  UnpackedLayers unpacked(target, budget, progress);
  std::vector<WantedLayer> layers;
  for (const PlannedImage& image : images)
    std::ranges::move(layers_of(image), std::back_inserter(layers));
  unpacked.add(layers);

  const images::StoreLock lock = target.store.lock();
  unpacked.commit(lock);
  std::vector<WorkerEvent> recorded;
  for (const PlannedImage& image : images) {
    recorded.push_back(image_event(image, record(image, target, lock)));
  }
  for (const WorkerEvent& event : recorded) progress(event);  // all of them, or none
}

}  // namespace

void import_images(const std::string& from, const ImportTarget& target, const Progress& progress) {
  ByteBudget budget(target.max_bytes);
  const std::unique_ptr<ImportSource> source = open_import_source(from, target.workspace, budget);
  const std::vector<PlannedImage> images = plan_import(*source, from, target.platform);
  for (const PlannedImage& image : images) warn_of_platform(image, target.platform, progress);
  bring_in(images, target, budget, progress);
}

void import_tarball(const std::string& from, const TarballOptions& options,
                    const ImportTarget& target, const Progress& progress) {
  ByteBudget budget(target.max_bytes);
  bring_in({plan_tarball(from, options, target, budget)}, target, budget, progress);
}

void unpack_image(const std::string& name, const ImportTarget& target, const Progress& progress) {
  const images::Image image = target.store.get_image(name);
  const images::Manifest manifest = target.store.manifest_of(image);
  const images::ImageConfig config = target.store.config_of(image);
  if (config.diff_ids.size() != manifest.layers.size()) {
    throw Error(ErrorKind::internal, fmt::format("image {}: its config and its manifest name "
                                                 "different numbers of layers",
                                                 image.id.str()));
  }
  ByteBudget budget(target.max_bytes);
  UnpackedLayers unpacked(target, budget, progress);
  std::vector<WantedLayer> layers;
  for (std::size_t i = 0; i < config.diff_ids.size(); ++i) {
    const Descriptor& blob = manifest.layers[i];
    layers.push_back(
        {[&] { return stream_of(target.store.open_blob(blob), "blob " + blob.digest.str()); },
         blob.digest, config.diff_ids[i]});
  }
  unpacked.add(layers);
  const images::StoreLock lock = target.store.lock();
  unpacked.commit(lock);
}

}  // namespace minidocker::images_unpack
