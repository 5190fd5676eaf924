#pragma once
/// \file
/// Rule: links in Markdown files lead somewhere, and the make targets that a page names exist.

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// Checks `[text](target)` that point into the repository, with their #anchors.
[[nodiscard]] Findings check_links(const SourceTree& tree);

/// Checks every `make x` in code of a Markdown file against the Makefile.
[[nodiscard]] Findings check_make_targets(const SourceTree& tree);

}  // namespace minidocker::lint
