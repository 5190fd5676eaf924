#include "minidocker/images_unpack/import.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "import_plan.hpp"
#include "import_source.hpp"
#include "in_parallel.hpp"
#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mutex.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images_unpack {

namespace {

using images::Descriptor;
using images::Digest;
using images::WorkerEvent;

WorkerEvent layer_event(const Digest& diff_id, const UnpackReport& report, bool reused) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::layer;
  event.diff_id = diff_id.str();
  event.entries = report.entries;
  event.bytes = report.bytes;
  event.reused = reused;
  return event;
}

WorkerEvent warning_event(const std::string& message) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::warning;
  event.message = message;
  return event;
}

WorkerEvent image_event(const PlannedImage& image) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::image;
  event.id = image.config_file.digest.str();
  event.manifest = image.manifest.digest.str();
  for (const images::ImageName& name : image.names) event.names.push_back(name.full());
  return event;
}

void warn(const Digest& diff_id, const UnpackReport& report, const Progress& progress) {
  if (report.squashed > 0) {
    progress(warning_event(fmt::format(
        "layer {}: {} files of other users belong to you now: keeping them apart needs root or "
        "subordinate ids (/etc/subuid, /etc/subgid)",
        diff_id.short_id(), report.squashed)));
  }
  for (const auto& [name, count] : report.lost_xattrs) {
    progress(warning_event(fmt::format("layer {}: attribute {} of {} files was not taken over",
                                       diff_id.short_id(), minidocker::quoted(name), count)));
  }
}

// `docker save` and indexes without platforms tell only here what an image is built for.
void warn_of_platform(const PlannedImage& image, const images::Platform& host,
                      const Progress& progress) {
  const images::Platform& built_for = image.config.platform;
  if (built_for.architecture.empty() || built_for.fits(host)) return;
  progress(warning_event(fmt::format(
      "image {}: its platform ({}) does not match the detected host platform ({}): its programs "
      "will not run",
      image.names.empty() ? image.config_file.digest.str() : image.names.front().familiar(),
      built_for.str(), host.str())));
}

// A layer that may have to be unpacked.
struct WantedLayer {
  std::function<UniqueFd()> open;  // the blob
  std::optional<Digest> digest;    // of it; nothing: already verified
  Digest diff_id;
};

// Layers unpacked in the workspace, several at once, waiting for their place.
class UnpackedLayers {
 public:
  UnpackedLayers(const ImportTarget& target, ByteBudget& budget, const Progress& progress)
      : target_(target), budget_(budget), progress_(progress) {}

  // Unpacks those that are not there.
  void add(std::span<const WantedLayer> layers) {
    std::vector<Job> jobs;
    for (const WantedLayer& layer : layers) {
      if (target_.layers.has(layer.diff_id) || directories_.contains(layer.diff_id)) {
        progress_(layer_event(layer.diff_id, {}, /*reused=*/true));
        continue;
      }
      const std::string directory = target_.workspace.fresh("layer");
      make_dirs(directory);
      directories_.emplace(layer.diff_id, directory);
      jobs.push_back({&layer, directory});
    }
    const NoUmask no_umask;
    in_parallel(jobs.size(), [&](std::size_t i, const std::stop_token& stop) {
      unpack(*jobs[i].layer, jobs[i].directory, stop);
    });
  }

  // A name of ours says "complete": the content must be on the disk before the name is.
  void commit(const images::StoreLock& lock) const {
    if (directories_.empty()) return;
    const std::string& any = directories_.begin()->second;
    const UniqueFd fd = sys::open(any.c_str(), O_RDONLY | O_DIRECTORY).or_throw(any);
    sys::syncfs(fd.get()).or_throw(any);
    for (const auto& [diff_id, directory] : directories_) {
      target_.layers.commit(lock, directory, diff_id);
    }
  }

 private:
  struct Job {
    const WantedLayer* layer;
    std::string directory;
  };

  void unpack(const WantedLayer& layer, const std::string& directory, const std::stop_token& stop) {
    UnpackOptions options;
    options.owners = target_.owners;
    options.stop = stop;
    const UniqueFd fd = layer.open();
    const UnpackReport report =
        unpack_layer({fd.get(), "layer " + layer.diff_id.str(), layer.digest, layer.diff_id},
                     directory, budget_, options);
    const MutexLock lock(telling_);
    warn(layer.diff_id, report, progress_);
    progress_(layer_event(layer.diff_id, report, /*reused=*/false));
  }

  const ImportTarget& target_;
  ByteBudget& budget_;
  Mutex telling_;  // one thread at a time calls progress_
  const Progress& progress_;
  std::map<Digest, std::string> directories_;
};

std::vector<WantedLayer> layers_of(const PlannedImage& image) {
  std::vector<WantedLayer> layers;
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    const std::string path = image.layers[i].path;
    layers.push_back({[path] { return sys::open(path.c_str(), O_RDONLY).or_throw(path); },
                      std::nullopt, image.config.diff_ids[i]});
  }
  return layers;
}

void record(const PlannedImage& image, const ImportTarget& target, const images::StoreLock& lock) {
  std::set<Digest> adopted;  // an image may have a layer twice, and one file of it
  for (const StagedFile& layer : image.layers) {
    if (adopted.insert(layer.digest).second) {
      target.store.adopt_blob(lock, layer.path, layer.digest);
    }
  }
  target.store.adopt_blob(lock, image.config_file.path, image.config_file.digest);
  target.store.put_blob(lock, image.manifest_text);
  target.store.add_image(lock, image.manifest, image.names);
}

}  // namespace

void import_images(const std::string& from, const ImportTarget& target, const Progress& progress) {
  ByteBudget budget(target.max_bytes);
  const std::unique_ptr<ImportSource> source = open_import_source(from, target.workspace, budget);
  const std::vector<PlannedImage> images = plan_import(*source, from, target.platform);
  for (const PlannedImage& image : images) warn_of_platform(image, target.platform, progress);

  UnpackedLayers unpacked(target, budget, progress);
  std::vector<WantedLayer> layers;
  for (const PlannedImage& image : images)
    std::ranges::move(layers_of(image), std::back_inserter(layers));
  unpacked.add(layers);

  const images::StoreLock lock = target.store.lock();
  unpacked.commit(lock);
  for (const PlannedImage& image : images) record(image, target, lock);
  for (const PlannedImage& image : images) progress(image_event(image));
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
        {[&] { return target.store.open_blob(blob); }, blob.digest, config.diff_ids[i]});
  }
  unpacked.add(layers);
  const images::StoreLock lock = target.store.lock();
  unpacked.commit(lock);
}

}  // namespace minidocker::images_unpack
