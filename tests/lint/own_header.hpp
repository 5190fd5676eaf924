#pragma once
/// \file
/// Rule: x.cpp includes its own header x.hpp before anything else. So each such header is proved to
/// compile alone whenever its source is compiled; only the others need a source of their own.

#include <vector>

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// The headers that `source` of ROOM/src owns: of the same name beside it, or at the same place
/// below ROOM/include/minidocker/NAME. Empty for other files.
[[nodiscard]] std::vector<const SourceFile*> own_headers(const SourceTree& tree,
                                                         const SourceFile& source);

/// Checks every source of a `src` directory that has a header.
[[nodiscard]] Findings check_own_header_first(const SourceTree& tree);

}  // namespace minidocker::lint
