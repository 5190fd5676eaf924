#pragma once
/// \file
/// Rule: a file has at most 500 lines, a function at most 60.

#include <cstddef>

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

inline constexpr std::size_t kMaxFileLines = 500;     ///< aim at 300
inline constexpr std::size_t kMaxFunctionLines = 60;  ///< aim at 15

/// Checks C and C++ files. A flat switch or table may be longer when a comment in the line of its
/// opening brace or in the one above the head says `lint: flat`.
[[nodiscard]] Findings check_sizes(const SourceTree& tree);

}  // namespace minidocker::lint
