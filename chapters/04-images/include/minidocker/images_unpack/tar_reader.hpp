#pragma once
/// \file
/// Reading tar archives of any origin: the old form, ustar, pax (POSIX.1-2001) and GNU's long
/// names, large numbers and sparse files (tar(5)). Everything an archive says is bounded and
/// checked here; what it means for a filesystem is the business of others.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/images_unpack/byte_stream.hpp"

namespace minidocker::images_unpack {

/// A part of a sparse file that has data; what lies between such parts is a hole, read as zeros.
struct TarExtent {
  std::uint64_t offset = 0;                           ///< in the file, bytes
  std::uint64_t size = 0;                             ///< bytes
  bool operator==(const TarExtent&) const = default;  ///< member by member
};

/// One member of an archive.
struct TarEntry {
  /// What it is.
  enum class Type : std::uint8_t {
    file,
    hard_link,  ///< `link` names an earlier member
    symlink,    ///< `link` is the target
    character_device,
    block_device,
    directory,
    fifo,
  };
  Type type = Type::file;                     ///< what it is
  std::string name;                           ///< as it stands there, not to be trusted
  std::string link;                           ///< likewise
  mode_t mode = 0;                            ///< permission bits and S_ISUID, S_ISGID, S_ISVTX
  uid_t uid = 0;                              ///< owner
  gid_t gid = 0;                              ///< group
  std::uint64_t size = 0;                     ///< bytes of the file, holes included; else 0
  bool sparse = false;                        ///< does it have holes? Then `extents` counts
  std::vector<TarExtent> extents;             ///< of a sparse file, in order, none empty
  struct timespec mtime{};                    ///< last modification
  unsigned major = 0;                         ///< of a device
  unsigned minor = 0;                         ///< of a device
  std::map<std::string, std::string> xattrs;  ///< extended attributes (SCHILY.xattr.*)
  std::set<std::string> unused_records;       ///< keywords of pax that say something else of it
};

/// Walks through an archive once, from front to end.
class TarReader {
 public:
  /// `pieces` is borrowed; `what` names the archive in errors.
  TarReader(PieceStream& pieces, std::string what) : pieces_(pieces), what_(std::move(what)) {}

  /// The next member; nothing at the end. Skips what was not read of the one before. Throws
  /// invalid_argument for damage and members of a type that has no place in a tree of files.
  std::optional<TarEntry> next();
  /// The next piece of the present member's data; empty when all of it was given. Holes are not
  /// given. Valid until the next call; it lies where the stream below has it.
  std::string_view read_data();
  /// Where in its file the piece that was given last stands.
  [[nodiscard]] std::uint64_t data_offset() const noexcept { return data_offset_; }
  /// Reads whatever follows the archive's end, so that a digest below sees it all.
  void drain();

 private:
  struct Extended;
  bool fill();
  std::string_view take(std::size_t size, std::string_view why);
  void skip_rest();
  bool at_end_mark(std::string_view block);
  std::string read_extension(std::uint64_t size);
  bool read_special(std::string_view block, Extended& extended);
  TarEntry describe(const std::string& block, Extended& extended);
  void find_holes(std::string_view block, const Extended& extended, TarEntry& entry,
                  std::string& why);
  std::vector<TarExtent> read_old_extents(std::string_view block);
  std::vector<TarExtent> read_extent_lines(TarEntry& entry);
  void begin_data(std::uint64_t stored, std::span<const TarExtent> extents);
  [[noreturn]] void refuse(const std::string& why) const;

  PieceStream& pieces_;
  std::string what_;
  std::string_view rest_;           // of the present piece: not used yet
  std::vector<TarExtent> extents_;  // of the present member: what was not given yet, backwards
  std::uint64_t data_offset_ = 0;
  std::uint64_t padding_ = 0;  // zeros after the data, up to a whole block
  bool ended_ = false;
  std::map<std::string, std::string> global_;  // records of pax's global headers
  std::uint64_t global_bytes_ = 0;             // of all these headers; bounded
};

}  // namespace minidocker::images_unpack
