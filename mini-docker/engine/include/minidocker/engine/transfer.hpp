#pragma once
/// \file
/// Pulling and pushing, as the engine's callers see it.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace minidocker::engine {

/// What shall be pulled or pushed.
struct TransferRequest {
  std::string image;          ///< as people type it: "busybox", "h:5000/x@sha256:..."
  std::string docker_config;  ///< file that says who we are for registries; may be missing
  bool plain_http = false;    ///< the registry is spoken to without TLS, wherever it is
  std::string platform = {};  ///< pull: "linux/arm64"; empty: this machine's
  /// Pull: URLs of registries that are asked for Docker Hub's images before it is, in this order.
  std::vector<std::string> mirrors = {};
};

/// Who somebody is for a registry.
struct LoginRequest {
  std::string registry;       ///< as references have it: "docker.io", "h:5000"
  std::string user;           ///< empty: whoever `docker_config` says
  std::string password;       ///< or an access token
  std::string docker_config;  ///< where it is kept, or which helper keeps it; may be missing
  bool plain_http = false;    ///< as in TransferRequest
};

/// How far a layer has come.
struct LayerProgress {
  /// What happens to it.
  enum class Phase : std::uint8_t {
    exists,     ///< it was there already
    waiting,    ///< it will be moved
    queued,     ///< it waits until others are
    moving,     ///< it is being moved
    again,      ///< the connection failed; it goes on
    verifying,  ///< pull: is it what its digest says?
    done,       ///< it was moved
    unpacking,  ///< pull: `moved` bytes of it were unpacked
    unpacked,   ///< pull: it can be used
  };
  std::string layer;             ///< 12 digits of its digest
  Phase phase = Phase::waiting;  ///< what happens to it
  std::uint64_t moved = 0;       ///< bytes so far
  std::uint64_t size = 0;        ///< bytes of the whole
};
/// Told as it happens.
using LayerWatch = std::function<void(const LayerProgress&)>;

/// What pull() did.
struct PulledImage {
  std::string name;                   ///< "docker.io/library/busybox:latest"; empty without a tag
  std::string digest;                 ///< "sha256:...": what the name led to
  bool is_new = false;                ///< was anything fetched, or the name given anew?
  std::vector<std::string> warnings;  ///< lines for people
};

}  // namespace minidocker::engine
