#pragma once
/// \file
/// Where the files of saved images go: into a tar archive, or into a directory.

#include <cstdint>
#include <memory>
#include <string>

#include "minidocker/images_unpack/byte_stream.hpp"

namespace minidocker::images_unpack {

/// Takes files, one after the other, in the order of their names.
class ImageOutput {
 public:
  virtual ~ImageOutput() = default;
  /// A directory for the files that follow: "blobs".
  virtual void add_directory(const std::string& name) = 0;
  /// A file of `size` bytes, all of `content`. Throws, also if it has another size.
  virtual void add_file(const std::string& name, std::uint64_t size, ByteStream& content) = 0;
  /// After the last file. Throws.
  virtual void finish() = 0;
};

/// A tar archive written to `fd`, which is borrowed, and may be a pipe. Nothing of when and where
/// it is written stands in it: the same files make the same bytes.
[[nodiscard]] std::unique_ptr<ImageOutput> tar_output(int fd);
/// The directory `dir`, made if it is missing. Throws conflict if it holds anything.
[[nodiscard]] std::unique_ptr<ImageOutput> directory_output(const std::string& dir);

}  // namespace minidocker::images_unpack
