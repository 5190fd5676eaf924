#pragma once
/// \file
/// One layer's archive unpacked into a directory that overlay can stack (OCI image-spec layer.md;
/// overlayfs.rst).
///
/// The archive is hostile. Everything is made by descriptor beneath the directory; members that
/// climb out (by "..", by an absolute path, through a symlink, by a hard link) are errors.
/// Whiteouts become overlay's, overlay's own attributes are never taken over, and the digests of
/// the blob and of the archive in it are verified while they pass.

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images_unpack/byte_stream.hpp"

namespace minidocker::images_unpack {

/// A layer to unpack.
struct LayerBlob {
  int fd = -1;                           ///< open at its beginning, borrowed
  std::string what;                      ///< names it in errors: "layer sha256:..."
  std::optional<images::Digest> digest;  ///< of the blob; nothing: already verified
  images::Digest diff_id;                ///< of the archive inside
  ByteStream* stream = nullptr;          ///< if not null, read instead of `fd`; borrowed
};

/// How to unpack.
struct UnpackOptions {
  images::Owners owners = images::Owners::keep;  ///< what becomes of foreign owners
  std::uint64_t max_entries = 10'000'000;        ///< most members
  std::stop_token stop = {};                     ///< gives up with `unavailable` when asked to
};

/// What was unpacked, and what was not taken over.
struct UnpackReport {
  std::uint64_t entries = 0;   ///< members of the archive
  std::uint64_t bytes = 0;     ///< size of the archive
  std::uint64_t squashed = 0;  ///< members whose owner was not kept
  /// Attributes not taken over, how often; by name, or by the keyword of pax for those of another
  /// kind: SCHILY.acl.access.
  std::map<std::string, std::uint64_t> lost_xattrs;
};

/// Unpacks into `target`, an existing empty directory, as many bytes as `budget` has. When it
/// throws, `target` holds a part of the layer: it is the caller's to remove. The caller holds a
/// NoUmask. Reading, verifying, inflating and writing overlap on threads of their own, with some 8
/// MiB between them; several layers may be unpacked at once. Throws invalid_argument for a hostile
/// or damaged archive, one beyond the budget, or a digest that disagrees, permission where a
/// privilege is missing, SystemError for all else.
UnpackReport unpack_layer(const LayerBlob& blob, const std::string& target, ByteBudget& budget,
                          const UnpackOptions& options = {});

}  // namespace minidocker::images_unpack
