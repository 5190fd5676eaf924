#pragma once
/// \file
/// Rule: what a file uses of the standard library or of fmt, it includes, or its own header does.
/// The compiler does not see a missing one: other headers bring it along, or the precompiled ones.

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// Checks every C++ file for the names in the rule's table. One finding for a header, at its first
/// use.
[[nodiscard]] Findings check_standard_headers(const SourceTree& tree);

}  // namespace minidocker::lint
