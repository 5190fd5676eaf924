#pragma once
/// \file
/// Names of images in the local store: `busybox`, `busybox:1.36`, `ghcr.io/me/tool:v2`.

#include <compare>
#include <string>
#include <string_view>

#include "minidocker/images/digest.hpp"

namespace minidocker::images {

/// A name with its tag, all parts filled in (the grammar of distribution/reference).
struct ImageName {
  std::string domain;  ///< "docker.io" unless the name says else
  std::string path;    ///< "library/busybox", "me/tool"
  std::string tag;     ///< "latest" unless the name says else

  /// Parses a name as people type it. Throws invalid_argument with docker's words.
  static ImageName parse(std::string_view text);

  /// `docker.io/library/busybox:latest`: as it is recorded.
  [[nodiscard]] std::string full() const;
  /// `busybox`: the repository as docker shows it, without docker.io and library/.
  [[nodiscard]] std::string familiar_repository() const;
  /// `busybox:latest`: as docker shows it.
  [[nodiscard]] std::string familiar() const;
  auto operator<=>(const ImageName&) const = default;  ///< by domain, path, tag
};

/// Is it a tag: up to 128 letters, digits, `_`, `.`, `-`, the first none of the last two?
[[nodiscard]] bool is_tag(std::string_view text);
/// Is it what a registry calls a repository: `library/busybox`? What is can be a path: it climbs
/// nowhere.
[[nodiscard]] bool is_repository_path(std::string_view text);

/// A name whose digest says for ever what it means: `busybox@sha256:...`. The digest is that of the
/// manifest, or of the index that it was chosen from.
struct DigestName {
  ImageName repository;  ///< without a tag
  Digest digest;         ///< what the registry has under that name

  /// Parses `NAME[:TAG]@DIGEST`; the tag is only a remark. Throws invalid_argument with docker's
  /// words.
  static DigestName parse(std::string_view text);

  /// `docker.io/library/busybox@sha256:...`: as it is recorded.
  [[nodiscard]] std::string full() const;
  /// `busybox@sha256:...`: as docker shows it.
  [[nodiscard]] std::string familiar() const;
  auto operator<=>(const DigestName&) const = default;  ///< by repository, digest
};

}  // namespace minidocker::images
