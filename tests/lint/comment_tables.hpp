#pragma once
/// \file
/// Rule: a table in a comment has as many cells in each row as in its head. Whoever lays out code
/// breaks long lines of comments, and a table with a broken row is none any more.

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// Checks the comments of every C and C++ file.
[[nodiscard]] Findings check_comment_tables(const SourceTree& tree);

}  // namespace minidocker::lint
