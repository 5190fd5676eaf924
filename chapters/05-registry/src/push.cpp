#include "minidocker/registry/push.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "blob_upload.hpp"
#include "documents.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "parallel.hpp"

namespace minidocker::registry {

namespace {

using images::Descriptor;
using images::Digest;
using Phase = BlobProgress::Phase;

class Push {
 public:
  Push(const Reference& reference, Session& session, const images::Store& store,
       const PushOptions& options, const TransferProgress& progress)
      : reference_(reference),
        session_(session),
        store_(store),
        options_(options),
        progress_(progress) {}

  Digest run(const images::Image& image) {
    const std::string manifest = store_.read_blob(image.manifest);
    const std::vector<Descriptor> blobs = blobs_of(store_.manifest_of(image));
    for (const Descriptor& blob : blobs) tell(Phase::waiting, blob, 0);
    in_parallel(blobs.size(), options_.parallel,
                [&](std::size_t i, const std::function<void()>& check) { send(blobs[i], check); });
    put_manifest(image.manifest, manifest);
    return image.manifest.digest;
  }

 private:
  static std::vector<Descriptor> blobs_of(const images::Manifest& manifest) {
    std::vector<Descriptor> blobs;
    for (const Descriptor& layer : manifest.layers) {
      if (std::ranges::find(blobs, layer.digest, &Descriptor::digest) == blobs.end()) {
        blobs.push_back(layer);
      }
    }
    blobs.push_back(manifest.config);
    return blobs;
  }

  void send(const Descriptor& blob, const std::function<void()>& check) {
    const UniqueFd fd = store_.open_blob(blob);
    const UploadWatch watch{[&](std::uint64_t bytes) {
                              check();
                              tell(Phase::moving, blob, bytes);
                            },
                            [&](std::uint64_t bytes) {
                              check();
                              tell(Phase::again, blob, bytes);
                            }};
    const auto known = options_.mount_from.find(blob.digest);
    const std::vector<std::string> others =
        known == options_.mount_from.end() ? std::vector<std::string>{} : known->second;
    switch (upload_blob(reference_, session_, blob, fd.get(), others, options_.piece, watch)) {
      case Uploaded::existed:
        return tell(Phase::exists, blob, blob.size);
      case Uploaded::mounted:
        return tell(Phase::mounted, blob, blob.size);
      case Uploaded::sent:
        return tell(Phase::done, blob, blob.size);
    }
  }

  void put_manifest(const Descriptor& manifest, const std::string& text) {
    Call call;
    call.method = "PUT";
    call.target = fmt::format("/v2/{}/manifests/{}", reference_.name.path, reference_.name.tag);
    call.scopes = {scope_of(reference_.name.path, "pull,push")};
    call.tried = "push " + reference_.familiar();
    call.headers = {{"Content-Type", manifest.media_type}};
    call.body = text;
    const HttpResponse response = session_.ask_patiently(call);
    const std::string digest = response.header("docker-content-digest");
    if (digest.empty() || digest == manifest.digest.str()) return;
    throw Error(ErrorKind::internal,
                fmt::format("{}: the registry stored {} for {}", call.tried,
                            minidocker::quoted(digest.substr(0, 100)), manifest.digest.str()));
  }

  void tell(Phase phase, const Descriptor& blob, std::uint64_t moved) {
    const MutexLock lock(telling_);
    progress_({phase, blob.digest, moved, blob.size});
  }

  const Reference& reference_;
  Session& session_;
  const images::Store& store_;
  const PushOptions& options_;
  const TransferProgress& progress_;
  Mutex telling_;
};

}  // namespace

std::map<Digest, std::vector<std::string>> known_repositories(const images::Store& store,
                                                              const Reference& reference) {
  std::map<Digest, std::vector<std::string>> known;
  for (const images::Image& image : store.images()) {
    for (const images::ImageName& name : image.names) {
      if (name.domain != reference.name.domain || name.path == reference.name.path) continue;
      for (const Descriptor& layer : store.manifest_of(image).layers) {
        std::vector<std::string>& paths = known[layer.digest];
        if (std::ranges::find(paths, name.path) == paths.end()) paths.push_back(name.path);
      }
    }
  }
  return known;
}

Digest push_image(const Reference& reference, Session& session, const images::Store& store,
                  const images::Image& image, const PushOptions& options,
                  const TransferProgress& progress) {
  if (reference.digest) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("push {}: a name with a digest cannot be given to an image",
                            reference.familiar()));
  }
  const trace::Scope scope("05-registry",
                           fmt::format("push {} to {}", reference.familiar(), session.domain()),
                           "blobs first, then the manifest that names them");
  return Push(reference, session, store, options, progress).run(image);
}

}  // namespace minidocker::registry
