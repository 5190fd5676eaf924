#pragma once
/// \file
/// Directories of layers, opened and read by descriptor: whatever a layer holds, no link in it and
/// no mount leads elsewhere.

#include <dirent.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::unionfs {

/// Opens the directory `path` beneath `root`, "" being `root` itself, for reading. ENOTDIR or ELOOP
/// if it is something else. Paths may be longer than the 4,095 bytes that one call takes.
sys::Result<UniqueFd> open_layer_dir(int root, std::string_view path) noexcept;

/// A name in a directory.
struct NamedType {
  std::string name;        ///< without a slash
  unsigned char type = 0;  ///< DT_*; DT_UNKNOWN from filesystems that do not tell
};
/// All names but "." and "..", in the directory's own order, whatever was read of it before.
/// `what` names it in errors. Throws.
[[nodiscard]] std::vector<NamedType> read_layer_dir(int dir, std::string_view what);
/// The same of a directory just opened; nothing if there are more than about `most`.
[[nodiscard]] std::optional<std::vector<NamedType>> read_small_layer_dir(int dir, std::size_t most,
                                                                         std::string_view what);

/// `parent/name`, or `name` alone where `parent` is empty.
[[nodiscard]] std::string joined(std::string_view parent, std::string_view name);

}  // namespace minidocker::unionfs
