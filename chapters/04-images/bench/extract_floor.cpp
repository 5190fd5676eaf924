// The parts of unpacking, each alone: how fast the whole can be at best. Called by
// tests/bench/extract.
//
//   extract-floor inflate BLOB       decompress, and throw away
//   extract-floor hash TAR           make the digest of an uncompressed archive
//   extract-floor files TAR DIR      make its files

#include <fcntl.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layer_tree.hpp"
#include "minidocker/images_unpack/byte_stream.hpp"
#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images_unpack {
namespace {

void inflate(const std::string& blob) {
  const UniqueFd fd = sys::open(blob.c_str(), O_RDONLY).or_throw(blob);
  FdStream file(fd.get(), blob);
  BufferedPieces pieces(file);
  const std::unique_ptr<ByteStream> inside = decompress(pieces, blob);
  std::vector<char> buffer(std::size_t{256} * 1024);
  while (inside->read(buffer.data(), buffer.size()) > 0) {
  }
}

void hash(const std::string& archive) {
  const UniqueFd fd = sys::open(archive.c_str(), O_RDONLY).or_throw(archive);
  FdStream file(fd.get(), archive);
  BufferedPieces pieces(file);
  images::Hasher hasher;
  for (std::string_view piece = pieces.next_piece(); !piece.empty(); piece = pieces.next_piece()) {
    hasher.update(piece.data(), piece.size());
  }
  std::puts(hasher.finish().str().c_str());
}

void make_files(const std::string& archive, const std::string& directory) {
  const UniqueFd fd = sys::open(archive.c_str(), O_RDONLY).or_throw(archive);
  make_dirs(directory);
  const UniqueFd root = sys::open(directory.c_str(), O_RDONLY | O_DIRECTORY).or_throw(directory);
  FdStream file(fd.get(), archive);
  BufferedPieces pieces(file);
  TarReader reader(pieces, archive);
  const UnpackOptions options;
  UnpackReport report;
  const NoUmask no_umask;
  LayerTree tree(root.get(), archive, options, report);
  while (const std::optional<TarEntry> entry = reader.next()) tree.add(*entry, reader);
  tree.finish();
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "inflate") {
    inflate(arguments[1]);
  } else if (arguments.size() == 2 && arguments[0] == "hash") {
    hash(arguments[1]);
  } else if (arguments.size() == 3 && arguments[0] == "files") {
    make_files(arguments[1], arguments[2]);
  } else {
    std::fputs("usage: extract-floor inflate BLOB | hash TAR | files TAR DIR\n", stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace minidocker::images_unpack

int main(int argc, char** argv) {
  try {
    return minidocker::images_unpack::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "extract-floor: %s\n", error.what());
    return 1;
  }
}
