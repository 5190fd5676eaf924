#pragma once
/// \file
/// The files of an image archive by name, wherever they come from. What is given out has been
/// copied into the workspace and hashed on the way: nobody can change it afterwards.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/manifest.hpp"
#include "minidocker/images/workspace.hpp"
#include "minidocker/images_unpack/byte_stream.hpp"

namespace minidocker::images_unpack {

/// A file in the workspace.
struct StagedFile {
  std::string path;        ///< absolute
  images::Digest digest;   ///< of its content
  std::uint64_t size = 0;  ///< bytes
};

/// Copies all of `content` to a new file of the workspace, and hashes it on the way. Throws.
[[nodiscard]] StagedFile stage(ByteStream& content, images::Workspace& workspace);

/// The files of an archive.
class ImportSource {
 public:
  virtual ~ImportSource() = default;
  /// The file `name` ("blobs/sha256/HEX", "index.json"); nothing if there is none. Throws.
  virtual std::optional<StagedFile> find(const std::string& name) = 0;

  /// The blob; its digest and size verified. Throws not_found or invalid_argument.
  StagedFile get_blob(const images::Descriptor& descriptor);
  /// The whole content of a small file; nothing if there is none. Throws.
  std::optional<std::string> find_text(const std::string& name);
};

/// Opens a directory, a tar (plain or gzipped), or standard input for `-`. What is read out of it
/// is taken from `budget`, which is borrowed, as `workspace` is.
[[nodiscard]] std::unique_ptr<ImportSource> open_import_source(const std::string& from,
                                                               images::Workspace& workspace,
                                                               ByteBudget& budget);

/// The content of a staged document; at most 4 MiB. Throws invalid_argument.
[[nodiscard]] std::string read_staged(const StagedFile& file, const std::string& name);

}  // namespace minidocker::images_unpack
