#include "transfer.hpp"

#include <memory>

#include "minidocker/registry/credentials.hpp"
#include "minidocker/registry/curl_transport.hpp"
#include "minidocker/registry/pull.hpp"
#include "minidocker/registry/push.hpp"
#include "minidocker/registry/session.hpp"

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
    case From::moving:
      return To::moving;
    case From::again:
      return To::again;
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

WorkerEvent warning_event(const std::string& message) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::warning;
  event.message = message;
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

registry::SessionOptions options_for(const WorkerRequest& request, const std::string& domain) {
  registry::SessionOptions options;
  options.plain_http = request.plain_http == images::PlainHttp::yes;
  if (!request.docker_config.empty()) {
    options.credentials = registry::find_credentials(request.docker_config, domain);
  }
  return options;
}

// What both verbs need to talk to the reference's registry.
struct Conversation {
  explicit Conversation(const WorkerRequest& request)
      : reference(registry::Reference::parse(request.reference)),
        transport(registry::make_curl_transport({})),
        session(reference.name.domain, options_for(request, reference.name.domain), *transport,
                registry::Clock::real()) {}

  registry::Reference reference;
  std::unique_ptr<registry::HttpTransport> transport;
  registry::Session session;
};

}  // namespace

void pull(const WorkerRequest& request, const images_unpack::ImportTarget& target,
          const images_unpack::Progress& tell) {
  Conversation with(request);
  registry::PullOptions options;
  options.platform = target.platform;
  options.max_bytes = target.max_bytes;
  const registry::PulledImage pulled = registry::pull_image(
      with.reference, with.session, target.store, target.workspace, options,
      [&](const registry::BlobProgress& progress) { tell(transfer_event(progress)); });
  for (const std::string& warning : pulled.warnings) tell(warning_event(warning));
  images_unpack::unpack_image(pulled.id.str(), target, tell);
  tell(image_event(with.reference, pulled));
}

void push(const WorkerRequest& request, const images_unpack::ImportTarget& target,
          const images_unpack::Progress& tell) {
  Conversation with(request);
  const images::Image image = target.store.get_image(with.reference.familiar());
  registry::PushOptions options;
  options.mount_from = registry::known_repositories(target.store, with.reference);
  const images::Digest digest = registry::push_image(
      with.reference, with.session, target.store, image, options,
      [&](const registry::BlobProgress& progress) { tell(transfer_event(progress)); });
  target.store.add_image(target.store.lock(), image.manifest, {},
                         {registry::digest_name(with.reference, digest)});
  tell(image_event(with.reference,
                   {.id = image.id, .manifest = image.manifest, .digest = digest, .warnings = {}}));
}

}  // namespace minidocker::worker
