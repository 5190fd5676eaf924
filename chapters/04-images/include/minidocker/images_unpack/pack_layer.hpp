#pragma once
/// \file
/// A layer made of what a container changed: the reverse of unpack_layer.hpp (OCI image-spec
/// layer.md).

#include <cstdint>
#include <span>
#include <string>

#include "minidocker/images/digest.hpp"
#include "minidocker/images_unpack/byte_sink.hpp"
#include "minidocker/images_unpack/tar_writer.hpp"
#include "minidocker/unionfs/layer_entry.hpp"

namespace minidocker::images_unpack {

/// Writes a layer's entries into an archive.
class LayerArchive final : public unionfs::LayerSink {
 public:
  explicit LayerArchive(TarWriter& writer) : writer_(writer) {}  ///< `writer` is borrowed
  /// Throws conflict if a file has become shorter since it was looked at, and as TarWriter. What
  /// a file has gained since then is left out.
  void add(const unionfs::LayerEntry& entry) override;

 private:
  TarWriter& writer_;
};

/// A layer that was written.
struct PackedLayer {
  images::Digest digest;    ///< of the blob
  images::Digest diff_id;   ///< of the archive in it
  std::uint64_t size = 0;   ///< bytes of the blob
  std::uint64_t bytes = 0;  ///< bytes of the archive
};

/// Writes all that `upper`, the writable directory of an overlay, changes of `lowers` (the topmost
/// first) to the open file `fd`, borrowed. The same content, owners, modes, times and attributes
/// give the same bytes: names are sorted, and nothing of when or where is written. Throws as
/// unionfs::export_layer() and LayerArchive::add().
PackedLayer pack_layer(const std::string& upper, std::span<const std::string> lowers, int fd,
                       Compression compression);

/// Writes all that the directory `tree` holds to `fd`, borrowed, as a plain archive: what `docker
/// export` gives. Throws as pack_layer().
void pack_tree(const std::string& tree, int fd);

}  // namespace minidocker::images_unpack
