#pragma once
/// \file
/// Pushing: from the store to a registry (OCI distribution-spec, "Push").
///
/// ```
///   each blob:  is it there? (HEAD)       -> nothing to do
///               is it in a repository of the same registry that we know of?  -> mounted
///               small: sent with one PUT; large: in pieces, so that a cut costs one piece
///   then the manifest, under the tag: what names blobs comes after them
/// ```

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "minidocker/images/store.hpp"
#include "minidocker/registry/pull.hpp"
#include "minidocker/registry/reference.hpp"
#include "minidocker/registry/session.hpp"

namespace minidocker::registry {

/// How is pushed.
struct PushOptions {
  unsigned parallel = 3;                           ///< blobs at once
  std::uint64_t piece = std::uint64_t{16} << 20U;  ///< bytes sent at once
  /// Repositories of the same registry (`library/busybox`) that may hold a layer.
  std::map<images::Digest, std::vector<std::string>> mount_from = {};
};

/// Which repositories of `reference`'s registry, other than its own, the store's names say hold
/// which layers.
[[nodiscard]] std::map<images::Digest, std::vector<std::string>> known_repositories(
    const images::Store& store, const Reference& reference);

/// Pushes an image of the store under the reference's name; returns the manifest's digest. Throws
/// invalid_argument for a reference with a digest, not_found or internal if the store lacks a blob,
/// and as Session.
images::Digest push_image(const Reference& reference, Session& session, const images::Store& store,
                          const images::Image& image, const PushOptions& options,
                          const TransferProgress& progress);

}  // namespace minidocker::registry
