#pragma once
/// \file
/// Rule: every descriptor is born close-on-exec, by a flag of the call that makes it.

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// Looks at each raw call (`::open(`, `open(`, `SYS_openat2`) that makes descriptors, anywhere in
/// the tree: the call's arguments, or for a wrapper the function around it, must say CLOEXEC.
/// Calls that cannot (pipe, dup, creat, ...) are never allowed; sys:: calls add the flag
/// themselves.
[[nodiscard]] Findings check_close_on_exec(const SourceTree& tree);

}  // namespace minidocker::lint
