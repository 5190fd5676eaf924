#pragma once
/// \file
/// Who hears of a new mount (mount_namespaces(7), "Shared subtrees").

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// Sets how mounts below `target` are shared with other mount namespaces. A new mount namespace is
/// a copy whose shared mounts stay peers of the host's: what the container mounted would appear
/// there.
struct SetPropagation {
  static constexpr StepInfo kInfo{"01-namespaces", "what is mounted here must not appear outside"};
  const char* target;   ///< a mount point
  unsigned long flags;  ///< MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, may be with MS_REC
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
