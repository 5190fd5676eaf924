#pragma once
/// \file
/// Rule: CMake files list their sources by name.

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// A glob misses new and deleted files until somebody configures again.
[[nodiscard]] Findings check_no_glob(const SourceTree& tree);

}  // namespace minidocker::lint
