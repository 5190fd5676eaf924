#pragma once
/// \file
/// How a process enters groups of v1.

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::cgroups {

/// The child puts itself into groups by writing 0 to their `tasks`. For a thread that moves only
/// itself the kernel skips the lock that stops all forks of the machine, which another's pid in
/// `cgroup.procs` takes: 0.25 ms instead of several for 8 hierarchies. Must run while the host's
/// cgroup mounts are still in sight, and before a cgroup namespace is made: the group the child
/// is in then becomes that namespace's root. The descriptors are close-on-exec and left to execve.
struct JoinCgroups {
  static constexpr StepInfo kInfo{"02-cgroups", "whatever the child does from here on is counted"};
  const char* const* tasks;  ///< paths of `tasks` files, null-terminated
  const char* group;         ///< the group in words
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::cgroups
