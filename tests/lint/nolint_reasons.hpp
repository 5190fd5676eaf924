#pragma once
/// \file
/// Rule: who silences clang-tidy says which check and why.

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// Wants `NOLINT(check): reason` (also NEXTLINE, BEGIN; END needs none) in every comment.
[[nodiscard]] Findings check_nolint_reasons(const SourceTree& tree);

}  // namespace minidocker::lint
