#pragma once
/// \file
/// A tree copied by a child that may neither allocate nor throw.

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::unionfs {

/// How deep a tree may be: each level takes two descriptors and a buffer of the stack.
inline constexpr int kMaxCopyDepth = 64;

/// Copies all that is in the directory `from` into the empty directory `to`: contents, links,
/// modes, owners, times. Of a file with several names each becomes a file of its own; devices,
/// sockets and attributes are left out. ELOOP for a tree deeper than kMaxCopyDepth.
StepResult copy_up(int from, int to) noexcept;

}  // namespace minidocker::unionfs
