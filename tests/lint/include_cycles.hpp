#pragma once
/// \file
/// Rule: no include cycle, neither between files nor between rooms.

#include "finding.hpp"
#include "house.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// Reports each cycle once, with its whole path. Tests are left out: nobody includes them.
[[nodiscard]] Findings check_include_cycles(const SourceTree& tree, const House& house);

}  // namespace minidocker::lint
