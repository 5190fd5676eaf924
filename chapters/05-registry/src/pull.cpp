#include "minidocker/registry/pull.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "blob_download.hpp"
#include "documents.hpp"
#include "minidocker/images/blob_lease.hpp"
#include "minidocker/images/image_config.hpp"
#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "parallel.hpp"

namespace minidocker::registry {

namespace {

using images::Descriptor;
using images::Digest;
using Phase = BlobProgress::Phase;

constexpr std::string_view kDockerConfig = "application/vnd.docker.container.image.v1+json";
constexpr std::string_view kLayerTypes[] = {
    images::kOciLayer,
    images::kOciLayerGzip,
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
};
/// How often a layer is told of: so many times, whatever its size.
constexpr std::uint64_t kSteps = 100;

class Pull {
 public:
  Pull(const Reference& reference, Session& session, const images::Store& store,
       images::Workspace& workspace, const PullOptions& options, const TransferProgress& progress)
      : reference_(reference),
        session_(session),
        store_(store),
        workspace_(workspace),
        options_(options),
        progress_(progress) {}

  PulledImage run() {
    const Document top = fetch_document(reference_, session_);
    const Document document = choose_manifest(reference_, session_, top, options_.platform);
    const std::string what = "manifest " + document.digest.str();
    const images::Manifest manifest = images::parse_manifest(document.text, what);
    check(manifest);

    const std::vector<Descriptor> layers = distinct(manifest.layers);
    const images::BlobLease lease(store_.dir(), digests_of(manifest));
    PulledImage pulled{.id = manifest.config.digest,
                       .manifest = {document.media_type, document.digest, document.text.size()},
                       .digest = top.digest,
                       .warnings = {}};
    fetch_config(manifest, pulled);
    fetch_layers(layers);
    pulled.is_new = !files_.empty() || !is_named(document.digest);
    record(document, manifest, pulled);
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
    for (const Descriptor& layer : manifest.layers) {
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

  // An image may have a layer twice; a digest has one size, or one of them is a lie.
  [[nodiscard]] std::vector<Descriptor> distinct(const std::vector<Descriptor>& layers) const {
    std::vector<Descriptor> all;
    for (const Descriptor& layer : layers) {
      const auto same = std::ranges::find(all, layer.digest, &Descriptor::digest);
      if (same == all.end()) {
        all.push_back(layer);
      } else if (same->size != layer.size) {
        refuse(fmt::format("layer {} is said to have two sizes", layer.digest.short_id()));
      }
    }
    return all;
  }

  static std::vector<Digest> digests_of(const images::Manifest& manifest) {
    std::vector<Digest> digests{manifest.config.digest};
    for (const Descriptor& layer : manifest.layers) digests.push_back(layer.digest);
    return digests;
  }

  void fetch_config(const images::Manifest& manifest, PulledImage& pulled) {
    const Descriptor& blob = manifest.config;
    std::string path = store_.blob_path(blob.digest);
    if (!store_.has_whole_blob(blob.digest, blob.size)) {
      path = workspace_.fresh("config");
      const DownloadWatch quiet{[](std::uint64_t) {}, [](std::uint64_t) {}};
      download_blob(reference_, session_, blob, path, quiet);
      files_.emplace(blob.digest, path);
    }
    const images::ImageConfig config =
        images::parse_image_config(read_file(path), "config " + blob.digest.str());
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
  }

  void fetch_layers(const std::vector<Descriptor>& layers) {
    std::vector<Descriptor> missing;
    for (const Descriptor& layer : layers) {
      const bool is_there = store_.has_whole_blob(layer.digest, layer.size);
      tell({is_there ? Phase::exists : Phase::waiting, layer.digest, 0, layer.size});
      if (is_there) continue;
      files_.emplace(layer.digest, workspace_.fresh("blob"));
      missing.push_back(layer);
    }
    in_parallel(
        missing.size(), options_.parallel,
        [&](std::size_t i, const std::function<void()>& check) { fetch_layer(missing[i], check); });
  }

  void fetch_layer(const Descriptor& layer, const std::function<void()>& check) {
    const std::uint64_t step = layer.size / kSteps + 1;
    std::uint64_t next = step;
    const DownloadWatch watch{[&](std::uint64_t bytes) {
                                check();
                                if (bytes < next) return;
                                next = bytes + step;
                                tell({Phase::moving, layer.digest, bytes, layer.size});
                              },
                              [&](std::uint64_t bytes) {
                                check();
                                next = bytes + step;
                                tell({Phase::again, layer.digest, bytes, layer.size});
                              }};
    download_blob(reference_, session_, layer, files_.at(layer.digest), watch);
    tell({Phase::done, layer.digest, layer.size, layer.size});
  }

  void tell(const BlobProgress& progress) {
    const MutexLock lock(telling_);
    progress_(progress);
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

  void record(const Document& document, const images::Manifest& manifest,
              const PulledImage& pulled) const {
    const images::StoreLock lock = store_.lock();
    for (const auto& [digest, file] : files_) store_.adopt_blob(lock, file, digest);
    // What was there before may have been swept away since, as no image needed it.
    for (const Descriptor& blob : manifest.layers) static_cast<void>(store_.open_blob(blob));
    store_.put_blob(lock, document.text);
    store_.add_image(lock, pulled.manifest, names(), {digest_name(reference_, pulled.digest)});
  }

  const Reference& reference_;
  Session& session_;
  const images::Store& store_;
  images::Workspace& workspace_;
  const PullOptions& options_;
  const TransferProgress& progress_;
  std::map<Digest, std::string> files_;  // fetched by us; filled before threads begin
  Mutex telling_;
};

}  // namespace

PulledImage pull_image(const Reference& reference, Session& session, const images::Store& store,
                       images::Workspace& workspace, const PullOptions& options,
                       const TransferProgress& progress) {
  const trace::Scope scope("05-registry",
                           fmt::format("pull {} from {}", reference.familiar(), session.domain()),
                           "a manifest names the blobs; those that are not here are fetched");
  return Pull(reference, session, store, workspace, options, progress).run();
}

}  // namespace minidocker::registry
