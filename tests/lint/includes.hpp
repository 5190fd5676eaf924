#pragma once
/// \file
/// The #include lines of a file, and which file of ours each one means.

#include <cstddef>
#include <string>
#include <vector>

#include "source_tree.hpp"

namespace minidocker::lint {

/// One #include line.
struct Include {
  std::string name;          ///< between the quotes or brackets
  bool quoted;               ///< "..." rather than <...>
  std::size_t line;          ///< 1-based
  const SourceFile* target;  ///< the file of ours it means; nullptr if it is not ours
};

/// The includes of `file`, in order. `minidocker/...` is looked for below every include directory
/// of the tree, other quoted names beside the file and in the directories above it.
[[nodiscard]] std::vector<Include> includes_of(const SourceTree& tree, const SourceFile& file);

/// "toolbox" for "minidocker/toolbox/error.hpp"; empty if the name is not ours.
[[nodiscard]] std::string header_room(const std::string& include_name);

}  // namespace minidocker::lint
