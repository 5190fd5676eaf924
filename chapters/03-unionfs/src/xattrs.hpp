#pragma once
/// \file
/// The extended attributes that belong to a file, rather than to the overlay it lies in or to the
/// host it lies on (xattr(7)).

#include <map>
#include <string>

namespace minidocker::unionfs {

/// Names to values.
using Xattrs = std::map<std::string, std::string>;

/// Those of the file `name` in the open directory `dir`, or of `dir` itself where `name` is null; a
/// link's own. Without overlay's (is_overlay_xattr) and without those that the host's security
/// modules have put there: of `security.*` only the capabilities are the image's. None where the
/// filesystem keeps none. Throws SystemError naming `what`.
[[nodiscard]] Xattrs read_xattrs(int dir, const char* name, const std::string& what);

}  // namespace minidocker::unionfs
