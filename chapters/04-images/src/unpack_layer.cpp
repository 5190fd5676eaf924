#include "minidocker/images_unpack/unpack_layer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <memory>

#include "layer_tree.hpp"
#include "minidocker/images_unpack/tar_reader.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "read_ahead.hpp"

namespace minidocker::images_unpack {

namespace {

[[noreturn]] void refuse(const LayerBlob& blob, const std::string& why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", blob.what, why));
}

void fill(LayerTree& tree, TarReader& reader, const LayerBlob& blob, const UnpackOptions& options,
          UnpackReport& report) {
  while (const std::optional<TarEntry> entry = reader.next()) {
    if (options.stop.stop_requested()) {
      throw Error(ErrorKind::unavailable, blob.what + ": another layer of the image failed");
    }
    if (++report.entries > options.max_entries) {
      refuse(blob, fmt::format("it has more than {} members", options.max_entries));
    }
    tree.add(*entry, reader);
  }
  reader.drain();
  tree.finish();
}

}  // namespace

UnpackReport unpack_layer(const LayerBlob& blob, const std::string& target, ByteBudget& budget,
                          const UnpackOptions& options) {
  FdStream opened(blob.fd, blob.what);
  ByteStream& file = blob.stream != nullptr ? *blob.stream : opened;
  std::optional<ReadAhead> verified;
  std::optional<BufferedPieces> as_it_is;
  PieceStream& pieces =
      blob.digest ? static_cast<PieceStream&>(verified.emplace(file)) : as_it_is.emplace(file);
  const std::unique_ptr<ByteStream> inside = decompress(pieces, blob.what);
  BoundedStream bounded(*inside, budget, blob.what);
  ReadAhead archive(bounded);
  TarReader reader(archive, blob.what);

  const UniqueFd root = sys::open(target.c_str(), O_RDONLY | O_DIRECTORY).or_throw(target);
  UnpackReport report;
  LayerTree tree(root.get(), blob.what, options, report);
  fill(tree, reader, blob, options, report);

  report.bytes = archive.bytes();
  if (verified) {
    if (const images::Digest digest = verified->digest(); digest != *blob.digest) {
      refuse(blob, "its content has digest " + digest.str() + ": damaged or forged");
    }
  }
  if (const images::Digest digest = archive.digest(); digest != blob.diff_id) {
    refuse(blob, fmt::format("unpacked it has digest {} instead of {}: damaged or forged",
                             digest.str(), blob.diff_id.str()));
  }
  return report;
}

}  // namespace minidocker::images_unpack
