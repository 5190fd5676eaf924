#include "transfer.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "minidocker/images_unpack/unpacked_layers.hpp"
#include "minidocker/registry/credentials.hpp"
#include "minidocker/registry/curl_transport.hpp"
#include "minidocker/registry/lists.hpp"
#include "minidocker/registry/pull.hpp"
#include "minidocker/registry/push.hpp"
#include "minidocker/registry/session.hpp"
#include "minidocker/registry/url.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::worker {

namespace {

using images::WorkerEvent;
using images::WorkerRequest;

WorkerEvent::Phase phase_of(registry::BlobProgress::Phase phase) {
  using From = registry::BlobProgress::Phase;
  using To = WorkerEvent::Phase;
  switch (phase) {
    case From::exists:
    case From::mounted:
      return To::exists;
    case From::waiting:
      return To::waiting;
    case From::queued:
      return To::queued;
    case From::moving:
      return To::moving;
    case From::again:
      return To::again;
    case From::verifying:
      return To::verifying;
    case From::unpacking:
      return To::unpacking;
    case From::done:
      break;
  }
  return To::done;
}

WorkerEvent transfer_event(const registry::BlobProgress& progress) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::transfer;
  event.digest = progress.digest.str();
  event.phase = phase_of(progress.phase);
  event.moved = progress.moved;
  event.size = progress.size;
  return event;
}

WorkerEvent image_event(const registry::Reference& reference, const registry::PulledImage& pulled) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::image;
  event.id = pulled.id.str();
  event.manifest = pulled.manifest.digest.str();
  event.digest = pulled.digest.str();
  event.is_new = pulled.is_new;
  if (!reference.name.tag.empty()) event.names = {reference.name.full()};
  return event;
}

// A layer's bytes as chapter 4 reads them.
class ArrivingStream final : public images_unpack::ByteStream {
 public:
  explicit ArrivingStream(registry::LayerBytes bytes) : bytes_(std::move(bytes)) {}
  std::size_t read(void* buffer, std::size_t size) override { return bytes_(buffer, size); }

 private:
  registry::LayerBytes bytes_;
};

// Unpacks the layers of a pull while they come.
class Unpacking final : public registry::LayerConsumer {
 public:
  Unpacking(const images_unpack::ImportTarget& target, const images_unpack::Progress& tell)
      : tell_(tell), budget_(target.max_bytes), unpacked_(target, budget_, progress_) {}

  void consume(const std::vector<registry::ArrivingLayer>& layers) override {
    std::vector<images_unpack::WantedLayer> wanted;
    for (const registry::ArrivingLayer& layer : layers) {
      blobs_.emplace(layer.diff_id.str(), layer.blob);
      wanted.push_back({[&layer] { return std::make_unique<ArrivingStream>(layer.open()); },
                        std::nullopt, layer.diff_id});
    }
    unpacked_.add(wanted);
  }
  void commit(const images::StoreLock& lock) override { unpacked_.commit(lock); }

 private:
  // People know layers by their blobs.
  void tell(const WorkerEvent& event) {
    tell_(event);
    if (event.type != WorkerEvent::Type::layer || event.reused) return;
    const images::Descriptor& blob = blobs_.at(event.diff_id);
    WorkerEvent unpacked;
    unpacked.type = WorkerEvent::Type::transfer;
    unpacked.digest = blob.digest.str();
    unpacked.phase = WorkerEvent::Phase::unpacked;
    unpacked.moved = unpacked.size = blob.size;
    tell_(unpacked);
  }

  const images_unpack::Progress& tell_;
  const images_unpack::Progress progress_ = [this](const WorkerEvent& event) { tell(event); };
  images_unpack::ByteBudget budget_;
  std::map<std::string, images::Descriptor> blobs_;  // by diff ID; filled before threads begin
  images_unpack::UnpackedLayers unpacked_;
};

// What it takes to talk to a registry.
struct Conversation {
  Conversation(const std::string& domain, registry::SessionOptions options)
      : transport(registry::make_curl_transport({})),
        session(domain, std::move(options), *transport, registry::Clock::real()) {}
  // The reference's own.
  Conversation(const registry::Reference& reference, const WorkerRequest& request,
               const std::optional<registry::Credentials>& who)
      : Conversation(reference.name.domain, {request.plain_http == images::PlainHttp::yes, who}) {}
  explicit Conversation(const registry::Url& mirror)
      : Conversation(mirror.authority, {.plain_http = mirror.scheme == "http"}) {}

  std::unique_ptr<registry::HttpTransport> transport;
  registry::Session session;
};

registry::Url parse_mirror(const std::string& text) {
  registry::Url url = registry::Url::parse(text);
  if (url.target == "/") return url;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("mirror {}: only a scheme, a host and a port can be given", text));
}

// Has `ask` do it with the first registry that can.
void ask_mirrors_first(const registry::Reference& reference, const WorkerRequest& request,
                       const std::optional<registry::Credentials>& who,
                       const images_unpack::Progress& tell,
                       const std::function<void(registry::Session&)>& ask) {
  std::vector<registry::Url> mirrors;
  std::ranges::transform(request.mirrors, std::back_inserter(mirrors), parse_mirror);
  if (reference.name.domain != "docker.io") mirrors.clear();
  std::string failures;
  for (const registry::Url& mirror : mirrors) {
    try {
      Conversation with(mirror);
      return ask(with.session);
    } catch (const Error& error) {
      const std::string failure = fmt::format("mirror {}: {}", mirror.str(), error.what());
      tell(WorkerEvent::of(WorkerEvent::Type::warning, failure));
      failures += fmt::format(" ({})", failure);
    }
  }
  try {
    Conversation with(reference, request, who);
    ask(with.session);
  } catch (const Error& error) {
    if (failures.empty()) throw;
    throw Error(error.kind(), error.what() + failures);
  }
}

}  // namespace

std::optional<registry::Credentials> credentials_for(const WorkerRequest& request) {
  if (request.docker_config.empty()) return std::nullopt;
  const std::string domain = request.registry.empty()
                                 ? registry::Reference::parse(request.reference).name.domain
                                 : request.registry;
  return registry::find_credentials(request.docker_config, domain);
}

void pull(const WorkerRequest& request, const std::optional<registry::Credentials>& who,
          const images_unpack::ImportTarget& target, const images_unpack::Progress& tell) {
  const auto reference = registry::Reference::parse(request.reference);
  registry::PullOptions options;
  options.platform =
      request.platform.empty() ? target.platform : images::Platform::parse(request.platform);
  options.max_bytes = target.max_bytes;
  ask_mirrors_first(reference, request, who, tell, [&](registry::Session& session) {
    Unpacking unpacking(target, tell);
    options.consumer = &unpacking;
    const registry::PulledImage pulled = registry::pull_image(
        reference, session, target.store, options,
        [&](const registry::BlobProgress& progress) { tell(transfer_event(progress)); });
    for (const std::string& warning : pulled.warnings)
      tell(WorkerEvent::of(WorkerEvent::Type::warning, warning));
    tell(image_event(reference, pulled));
  });
}

void list_tags(const WorkerRequest& request, const std::optional<registry::Credentials>& who,
               const images_unpack::Progress& tell) {
  const auto reference = registry::Reference::parse(request.reference);
  ask_mirrors_first(reference, request, who, tell, [&](registry::Session& session) {
    WorkerEvent event;
    event.type = WorkerEvent::Type::tags;
    event.names = registry::list_tags(session, reference.name.path);
    tell(event);
  });
}

void push(const WorkerRequest& request, const std::optional<registry::Credentials>& who,
          const images_unpack::ImportTarget& target, const images_unpack::Progress& tell) {
  const auto reference = registry::Reference::parse(request.reference);
  Conversation with(reference, request, who);
  const images::Image image = target.store.get_image(reference.familiar());
  registry::PushOptions options;
  options.mount_from = registry::known_repositories(target.store, reference);
  const images::Digest digest = registry::push_image(
      reference, with.session, target.store, image, options,
      [&](const registry::BlobProgress& progress) { tell(transfer_event(progress)); });
  target.store.add_image(target.store.lock(), image.manifest, {},
                         {registry::digest_name(reference, digest)});
  tell(image_event(reference,
                   {.id = image.id, .manifest = image.manifest, .digest = digest, .warnings = {}}));
}

}  // namespace minidocker::worker
