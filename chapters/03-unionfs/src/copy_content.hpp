#pragma once
/// \file
/// The content of one file, copied without passing through our memory.

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace minidocker::unionfs {

/// How contents are copied.
enum class CopyWay : std::uint8_t {
  share,  ///< FICLONE: both files have the same blocks until one is written
  copy,   ///< copy_file_range(2), what is a hole stays one
};

/// Copies the `size` bytes of `from` into the empty file `to`. `way` is the best that has worked so
/// far; it becomes `copy` where the filesystem shares nothing, so that nobody asks for every file.
/// `what` names the file in errors. Throws SystemError.
void copy_content(int from, int to, off_t size, CopyWay& way, const std::string& what);

}  // namespace minidocker::unionfs
