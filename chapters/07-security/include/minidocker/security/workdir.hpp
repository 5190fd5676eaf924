#pragma once
/// \file
/// The working directory of the program.

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::security {

/// Enters the directory. Fails with ENOENT if the kernel says that it lies outside of the root: a
/// descriptor that leaked in from the host can be named as /proc/self/fd/N, and would be a way out
/// (CVE-2024-21626). It stands in a plan twice: before the ids change, and again after it for a
/// directory that only the user may enter.
struct EnterDirectory {
  static constexpr StepInfo kInfo{"07-security",
                                  "a directory outside of the root would be a way out of it"};
  /// Is EACCES the last word?
  enum class Try : unsigned char { first, last };
  const char* path;  ///< absolute, container's view
  bool* entered;     ///< slot that both steps share
  Try when;          ///< which of the two this is
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Makes the directory (mode 0755, with its parents) where it is missing. Runs before the ids
/// change: the final user may not be allowed to.
struct MakeDirectory {
  static constexpr StepInfo kInfo{"07-security", "a working directory is made if it is missing"};
  const int* root;   ///< slot: O_PATH descriptor of the container's root
  const char* path;  ///< absolute, container's view
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::security
