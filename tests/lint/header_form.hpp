#pragma once
/// \file
/// Rule: every header has `#pragma once` and a `\file` comment.

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// Checks every .hpp and .h file.
[[nodiscard]] Findings check_header_form(const SourceTree& tree);

}  // namespace minidocker::lint
