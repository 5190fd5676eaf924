#pragma once
/// \file
/// Manifests and indexes: which blobs make an image, and which image fits a platform
/// (OCI image-spec manifest.md, image-index.md; docker's schema 2, which is nearly the same).

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/images/digest.hpp"

namespace minidocker::images {

/// Annotation with the full name of an image, as containerd and docker write it.
inline constexpr char kNameAnnotation[] = "io.containerd.image.name";
/// Annotation with a tag or a name (OCI image-spec annotations.md).
inline constexpr char kRefAnnotation[] = "org.opencontainers.image.ref.name";

/// \name Media types
///@{
/// As OCI's image-spec (media-types.md) and Docker's manifest schema 2 name it.
inline constexpr char kOciManifest[] = "application/vnd.oci.image.manifest.v1+json";
inline constexpr char kOciIndex[] = "application/vnd.oci.image.index.v1+json";
inline constexpr char kOciConfig[] = "application/vnd.oci.image.config.v1+json";
inline constexpr char kOciLayer[] = "application/vnd.oci.image.layer.v1.tar";
inline constexpr char kOciLayerGzip[] = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr char kOciLayerZstd[] = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr char kDockerManifest[] = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr char kDockerIndex[] = "application/vnd.docker.distribution.manifest.list.v2+json";
///@}

/// What a program is compiled for, in Go's words.
struct Platform {
  std::string os;            ///< "linux"
  std::string architecture;  ///< "amd64", "arm64"
  std::string variant;       ///< "v8"; may be empty
  /// Of the machine we run on.
  static Platform here();
  /// Parses `OS/ARCHITECTURE[/VARIANT]`. Throws invalid_argument.
  static Platform parse(std::string_view text);
  /// `linux/arm64/v8`.
  [[nodiscard]] std::string str() const;
  /// Can an image for `this` run where `host` is wanted? An empty variant fits any.
  [[nodiscard]] bool fits(const Platform& host) const;
};

/// A blob as another document names it (OCI image-spec descriptor.md).
struct Descriptor {
  std::string media_type;                               ///< what the blob is
  Digest digest;                                        ///< what it must hash to
  std::uint64_t size = 0;                               ///< bytes it must have
  std::optional<Platform> platform = {};                ///< in an index
  std::map<std::string, std::string> annotations = {};  ///< names, remarks
};

/// The blobs of one image for one platform.
struct Manifest {
  Descriptor config;               ///< its digest is the image's id
  std::vector<Descriptor> layers;  ///< the lowest first
};

/// A list of manifests, or of further indexes.
struct Index {
  std::vector<Descriptor> manifests;  ///< in the document's order
};

/// Limits on what a document may name.
inline constexpr std::size_t kMaxLayers = 500;
/// Likewise, for an index.
inline constexpr std::size_t kMaxManifests = 10'000;

[[nodiscard]] bool is_manifest_type(std::string_view media_type);  ///< of either kind?
[[nodiscard]] bool is_index_type(std::string_view media_type);     ///< of either kind?

/// Parses a manifest; `what` names it in errors. Throws invalid_argument, also for schema 1 and
/// for an index.
[[nodiscard]] Manifest parse_manifest(std::string_view text, std::string_view what);
/// Parses an index. Throws invalid_argument.
[[nodiscard]] Index parse_index(std::string_view text, std::string_view what);
/// As it stands in a file.
[[nodiscard]] std::string to_json(const Manifest& manifest);
/// As it stands in a file.
[[nodiscard]] std::string to_json(const Index& index);

/// Is the descriptor an attestation (provenance of a build) that looks like an image?
[[nodiscard]] bool is_attestation(const Descriptor& descriptor);

}  // namespace minidocker::images
