#pragma once
/// \file
/// References: what people type after `docker pull` (the grammar of distribution/reference).
///
/// ```
///   [HOST[:PORT]/]PATH[:TAG][@DIGEST]
/// ```

#include <optional>
#include <string>
#include <string_view>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/image_name.hpp"

namespace minidocker::registry {

/// Which image of which registry. With a digest the tag is only a remark: the digest decides.
struct Reference {
  images::ImageName name;                ///< its tag is empty if only a digest was given
  std::optional<images::Digest> digest;  ///< of the manifest or index that is wanted

  /// Parses what people type, and fills in docker.io, library/ and latest (only where there is no
  /// digest). Throws invalid_argument with docker's words.
  static Reference parse(std::string_view text);

  /// What the registry is asked for: the digest if there is one, else the tag.
  [[nodiscard]] std::string selector() const { return digest ? digest->str() : name.tag; }
  /// As docker shows it: `busybox:latest`, `busybox@sha256:...`.
  [[nodiscard]] std::string familiar() const;
  bool operator==(const Reference&) const = default;  ///< all parts
};

/// The name under which the registry of `reference` has what has that digest.
[[nodiscard]] images::DigestName digest_name(const Reference& reference,
                                             const images::Digest& digest);

}  // namespace minidocker::registry
