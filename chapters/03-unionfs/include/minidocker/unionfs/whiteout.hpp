#pragma once
/// \file
/// How a layer says "this is gone": in an archive by a file name (OCI image-spec layer.md), in an
/// overlay directory by a character device 0:0 and an extended attribute (overlayfs.rst).

#include <sys/stat.h>

#include <cstdint>
#include <string_view>

#include "minidocker/toolbox/result.hpp"

namespace minidocker::unionfs {

/// What a name in a layer archive means.
enum class ArchiveMark : std::uint8_t {
  none,      ///< an ordinary name
  whiteout,  ///< `.wh.NAME`: NAME of lower layers is gone
  opaque,    ///< `.wh..wh..opq`: all that lower layers put into this directory is gone
  ignored,   ///< `.wh..wh.*`: bookkeeping of the aufs driver, carries nothing
  invalid,   ///< `.wh.`, `.wh..` or `.wh...`: would remove the directory itself or its parent
};

/// A name of an archive, classified.
struct ArchiveName {
  ArchiveMark mark = ArchiveMark::none;  ///< what it means
  std::string_view hides;                ///< for a whiteout: the name that is gone
};

/// Classifies the last component of a path.
[[nodiscard]] ArchiveName classify_archive_name(std::string_view name) noexcept;

/// The attribute that makes a directory opaque for an overlay mounted with `userxattr`.
inline constexpr char kOpaqueXattr[] = "user.overlay.opaque";

/// Is it one of overlay's own attributes, with a name that begins with "user.overlay." or with
/// "trusted.overlay."? Those of a foreign layer would let it redirect directories: they are never
/// taken over.
[[nodiscard]] bool is_overlay_xattr(std::string_view name) noexcept;

/// Is this the stat of a whiteout: a character device 0:0?
[[nodiscard]] bool is_whiteout(const struct stat& status) noexcept;

/// Makes a whiteout of `name`. Needs no privilege, inside of a user namespace or outside (kernel
/// 5.8: the device 0:0 opens nothing). EEXIST if the name is taken.
sys::Result<> make_whiteout(int dirfd, const char* name) noexcept;

/// Makes the open directory opaque. EOPNOTSUPP: no user attributes there (tmpfs before 6.6).
sys::Result<> mark_opaque(int dirfd) noexcept;

/// Is the open directory opaque? A filesystem without attributes has no opaque directories.
sys::Result<bool> is_opaque(int dirfd) noexcept;

}  // namespace minidocker::unionfs
