#pragma once
/// \file
/// The container's cgroup: the spec's words translated into chapter 02's values.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/location.hpp"
#include "minidocker/runtime/container.hpp"
#include "minidocker/spec/spec.hpp"

namespace minidocker::runtime {

/// Where the container's group will be: the spec's cgroupsPath, else `PARENT/ID`. Mode none where
/// this host lets us make no group and the spec asks for no limit; a limit that cannot be had is an
/// Error naming delegation.
[[nodiscard]] cgroups::Location choose_location(const spec::Spec& spec,
                                                const CreateOptions& options);

/// Makes the group at `location` with the spec's limits and device rules; nothing for mode none,
/// and none yet where systemd makes it: see make_scope().
[[nodiscard]] std::optional<cgroups::Cgroup> make_cgroup(const cgroups::Location& location,
                                                         const spec::Spec& spec);

/// Has systemd make the scope at `location`, with the spec's limits and device rules, around the
/// container's process `pid`, which waits for it.
[[nodiscard]] cgroups::Cgroup make_scope(const cgroups::Location& location, const spec::Spec& spec,
                                         const std::string& helper, pid_t pid);

/// What make_cgroup() would do, in words.
[[nodiscard]] std::vector<std::string> describe_cgroup(const cgroups::Location& location,
                                                       const spec::Spec& spec);

/// Removes the group as far as nobody is in it; false if somebody is, if it cannot be removed, or
/// is systemd's to remove.
[[nodiscard]] bool remove_empty_cgroup(const cgroups::Location& location);

}  // namespace minidocker::runtime
