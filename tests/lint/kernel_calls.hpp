#pragma once
/// \file
/// Rule: only `sys::` calls the kernel in the chapters 00 to 03 and 07, in runtime and in shim;
/// nobody else there touches errno, and std::filesystem is for path arithmetic.

#include "finding.hpp"
#include "source_tree.hpp"

namespace minidocker::lint {

/// Is this file one of those that must go through `sys::`? (tests may look from outside)
[[nodiscard]] bool must_use_sys(const SourceFile& file);

/// Checks calls, errno, <fstream> and std::filesystem.
[[nodiscard]] Findings check_kernel_calls(const SourceTree& tree);

}  // namespace minidocker::lint
