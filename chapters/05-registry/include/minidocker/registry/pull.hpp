#pragma once
/// \file
/// Pulling: from a name to an image in the store (OCI distribution-spec, "Pull").
///
/// ```
///   name -> manifest, or index -> the manifest for our platform
///        -> config: checked before anything large is fetched
///        -> layers: several at once, hashed while they are written, those we have left out;
///           somebody else may read them while they come
///        -> store: blobs first, the name last
/// ```
/// Whoever pulls leases the digests that it is going to fetch: of two pulls of one image at once,
/// in whatever processes, the second finds it there. What a pull that was cut off, or killed, has
/// fetched waits in the store's directory for the next one.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "minidocker/images/manifest.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/registry/reference.hpp"
#include "minidocker/registry/session.hpp"

namespace minidocker::registry {

/// How far a blob has come.
struct BlobProgress {
  /// What happens to it.
  enum class Phase : std::uint8_t {
    exists,     ///< it is there already, here or in the registry
    waiting,    ///< it will be transferred
    queued,     ///< it waits until others are
    moving,     ///< `moved` bytes of it are
    again,      ///< the connection failed; it goes on from `moved`
    mounted,    ///< push: the registry had it in another repository
    verifying,  ///< pull: all of it is here; is it what its digest says?
    done,       ///< it was transferred and is what its digest says
    unpacking,  ///< pull: the consumer has read `moved` bytes
  };
  Phase phase;            ///< what happens to it
  images::Digest digest;  ///< which one
  std::uint64_t moved;    ///< bytes
  std::uint64_t size;     ///< bytes of the whole
};
/// Told of each layer, by one thread at a time.
using TransferProgress = std::function<void(const BlobProgress&)>;

/// Reads the next bytes of a layer, up to `size`; waits for them. 0 is the end, which comes when
/// the digest was found right. Throws if the pull has failed meanwhile.
using LayerBytes = std::function<std::size_t(void* buffer, std::size_t size)>;

/// A layer of the image that is being pulled.
struct ArrivingLayer {
  images::Descriptor blob;           ///< as the manifest has it
  images::Digest diff_id;            ///< as the config has it
  std::function<LayerBytes()> open;  ///< to read it from its beginning, as long as the pull lasts
};

/// Does something with layers while they come; for chapter 4, unpacks them.
class LayerConsumer {
 public:
  LayerConsumer() = default;
  LayerConsumer(const LayerConsumer&) = delete;
  LayerConsumer& operator=(const LayerConsumer&) = delete;
  virtual ~LayerConsumer() = default;
  /// Called once, in a thread beside the downloads: all layers of the image, the lowest first. What
  /// it throws ends the pull.
  virtual void consume(const std::vector<ArrivingLayer>& layers) = 0;
  /// All layers are verified and consumed; the image is recorded after this.
  virtual void commit(const images::StoreLock& lock) = 0;
};

/// How is pulled.
struct PullOptions {
  images::Platform platform = images::Platform::here();  ///< which image of an index
  unsigned parallel = 3;                                 ///< layers at once
  /// Most bytes that one image may have: a hostile one shall fill no disk that the largest honest
  /// ones (some 50 GB) leave room on.
  std::uint64_t max_bytes = std::uint64_t{256} << 30U;
  LayerConsumer* consumer = nullptr;  ///< borrowed; null: layers are only fetched
};

/// What was pulled.
struct PulledImage {
  images::Digest id;                  ///< of its config
  images::Descriptor manifest;        ///< of its manifest, as the store has it
  images::Digest digest;              ///< of what the name led to: the manifest, or an index
  bool is_new = false;                ///< was anything fetched, or the name given anew?
  std::vector<std::string> warnings;  ///< lines for people
};

/// Pulls and records the image under its name (none if only a digest was given). Throws, and
/// nothing of it is in the store then: not_found if there is no such image, or none for the
/// platform; permission; invalid_argument for what is damaged or forged; TransportError.
PulledImage pull_image(const Reference& reference, Session& session, const images::Store& store,
                       const PullOptions& options, const TransferProgress& progress);

}  // namespace minidocker::registry
