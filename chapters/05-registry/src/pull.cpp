#include "minidocker/registry/pull.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "documents.hpp"
#include "layer_downloads.hpp"
#include "minidocker/images/blob_lease.hpp"
#include "minidocker/images/image_config.hpp"
#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::registry {

namespace {

using images::Descriptor;
using images::Digest;

constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
constexpr std::string_view kLayerTypes[] = {
    images::kOciLayer,
    images::kOciLayerGzip,
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
};
class Pull {
 public:
  Pull(const Reference& reference, Session& session, const images::Store& store,
       const PullOptions& options, const TransferProgress& progress)
      : reference_(reference),
        session_(session),
        store_(store),
        options_(options),
        progress_(progress) {}

  PulledImage run() {
    const Document top = fetch_document(reference_, session_);
    const Document document = choose_manifest(reference_, session_, top, options_.platform);
    const std::string what = "manifest " + document.digest.str();
    const images::Manifest manifest = images::parse_manifest(document.text, what);
    check(manifest);

    const images::BlobLease lease(store_.dir(), digests_of(manifest));
    PulledImage pulled{.id = manifest.config.digest,
                       .manifest = {document.media_type, document.digest, document.text.size()},
                       .digest = top.digest,
                       .warnings = {}};
    LayerDownloads downloads(reference_, session_, store_, progress_);
    try {
      const images::ImageConfig config = read_config(manifest, downloads, pulled);
      downloads.fetch(arriving(manifest, config, downloads), options_.parallel, options_.consumer);
    } catch (const TransportError&) {
      downloads.keep();  // what was cut is no damage: the next pull goes on there
      throw;
    }
    pulled.is_new = !downloads.is_empty() || !is_named(document.digest);
    record(document, manifest, pulled, downloads);
    return pulled;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("pull {}: {}", reference_.familiar(), why));
  }

  void check(const images::Manifest& manifest) const {
    const std::string& config = manifest.config.media_type;
    if (config != images::kOciConfig && config != kDockerConfig) {
      refuse(fmt::format("it is no image but {}", minidocker::quoted(config.substr(0, 200))));
    }
    if (manifest.config.size > images::kMaxDocument) {
      refuse(fmt::format("its config has {} bytes, more than {} are not read", manifest.config.size,
                         images::kMaxDocument));
    }
    std::uint64_t size = 0;
    std::map<Digest, std::uint64_t> sizes;
    for (const Descriptor& layer : manifest.layers) {
      // An image may have a layer twice; a digest has one size, or one of them is a lie.
      if (sizes.emplace(layer.digest, layer.size).first->second != layer.size) {
        refuse(fmt::format("layer {} is said to have two sizes", layer.digest.short_id()));
      }
      if (std::ranges::find(kLayerTypes, layer.media_type) == std::end(kLayerTypes)) {
        refuse(fmt::format("layer {} is {}, which cannot be unpacked", layer.digest.short_id(),
                           minidocker::quoted(layer.media_type.substr(0, 200))));
      }
      if (layer.size > options_.max_bytes - size) {
        refuse(fmt::format("its layers have more than {} bytes", options_.max_bytes));
      }
      size += layer.size;
    }
  }

  static std::vector<Digest> digests_of(const images::Manifest& manifest) {
    std::vector<Digest> digests{manifest.config.digest};
    for (const Descriptor& layer : manifest.layers) digests.push_back(layer.digest);
    return digests;
  }

  // Small, and it shows early whether all this is an image.
  images::ImageConfig read_config(const images::Manifest& manifest, LayerDownloads& downloads,
                                  PulledImage& pulled) const {
    const std::string path = downloads.fetch_small(manifest.config);
    images::ImageConfig config =
        images::parse_image_config(read_file(path), "config " + manifest.config.digest.str());
    if (config.diff_ids.size() != manifest.layers.size()) {
      refuse(fmt::format("its manifest names {} layers, its config {}", manifest.layers.size(),
                         config.diff_ids.size()));
    }
    if (!config.platform.architecture.empty() && !config.platform.fits(options_.platform)) {
      pulled.warnings.push_back(fmt::format(
          "image {}: its platform ({}) does not match the wanted platform ({}): its programs will "
          "not run",
          reference_.familiar(), config.platform.str(), options_.platform.str()));
    }
    return config;
  }

  static std::vector<ArrivingLayer> arriving(const images::Manifest& manifest,
                                             const images::ImageConfig& config,
                                             LayerDownloads& downloads) {
    std::vector<ArrivingLayer> layers;
    for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
      const Descriptor& blob = manifest.layers[i];
      layers.push_back(
          {blob, config.diff_ids[i], [&downloads, blob] { return downloads.open(blob); }});
    }
    return layers;
  }

  [[nodiscard]] std::vector<images::ImageName> names() const {
    if (reference_.name.tag.empty()) return {};
    return {reference_.name};
  }

  // Is the name, if there is one, that of this image already?
  [[nodiscard]] bool is_named(const Digest& manifest) const {
    return std::ranges::any_of(store_.images(), [&](const images::Image& image) {
      return image.manifest.digest == manifest && std::ranges::includes(image.names, names());
    });
  }

  void record(const Document& document, const images::Manifest& manifest, const PulledImage& pulled,
              LayerDownloads& downloads) const {
    const images::StoreLock lock = store_.lock();
    // It writes all of the filesystem to the disk, the blobs too: their turn is short then.
    if (options_.consumer != nullptr) options_.consumer->commit(lock);
    downloads.adopt(lock);
    // What was there before may have been swept away since, as no image needed it.
    for (const Descriptor& blob : manifest.layers) static_cast<void>(store_.open_blob(blob));
    store_.put_blob(lock, document.text);
    store_.add_image(lock, pulled.manifest, names(), {digest_name(reference_, pulled.digest)});
  }

  const Reference& reference_;
  Session& session_;
  const images::Store& store_;
  const PullOptions& options_;
  const TransferProgress& progress_;
};

}  // namespace

PulledImage pull_image(const Reference& reference, Session& session, const images::Store& store,
                       const PullOptions& options, const TransferProgress& progress) {
  const trace::Scope scope("05-registry",
                           fmt::format("pull {} from {}", reference.familiar(), session.domain()),
                           "a manifest names the blobs; those that are not here are fetched");
  return Pull(reference, session, store, options, progress).run();
}

}  // namespace minidocker::registry
