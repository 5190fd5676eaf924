#pragma once
/// \file
/// A layer as a stream of entries, the form in which it travels (OCI image-spec layer.md): what was
/// made or changed as it is now, what is gone as an empty file `.wh.NAME`. A tar archive is this
/// stream, written down.

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <map>
#include <string>

namespace minidocker::unionfs {

/// What an entry is.
enum class EntryType : std::uint8_t {
  file,              ///< with content
  hard_link,         ///< another name of an earlier entry
  symlink,           ///< with a target
  character_device,  ///< with a device number
  block_device,      ///< with a device number
  directory,         ///< comes before what is in it
  fifo,              ///< a named pipe
};

/// One entry.
struct LayerEntry {
  EntryType type = EntryType::file;           ///< what it is
  std::string path;                           ///< relative, without "." and ".."; empty: the top
  std::string link;                           ///< a symlink's target; a hard link's earlier path
  mode_t mode = 0;                            ///< permission bits, S_ISUID, S_ISGID, S_ISVTX
  uid_t uid = 0;                              ///< owner
  gid_t gid = 0;                              ///< group
  std::uint64_t size = 0;                     ///< bytes of a file's content
  struct timespec mtime{};                    ///< last modification
  dev_t device = 0;                           ///< of a device
  std::map<std::string, std::string> xattrs;  ///< extended attributes, overlay's own left out
  int content = -1;  ///< of a file with content: open at its beginning, borrowed
};

/// Where entries go: into an archive, or into a directory (LayerWriter).
class LayerSink {
 public:
  virtual ~LayerSink() = default;
  /// Takes one entry; `entry.content` is open only until this returns. Throws.
  virtual void add(const LayerEntry& entry) = 0;
};

}  // namespace minidocker::unionfs
