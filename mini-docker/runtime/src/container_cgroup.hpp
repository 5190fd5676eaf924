#pragma once
/// \file
/// The container's cgroup: the spec's words translated into chapter 02's values.

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

/// Makes the group at `location` with the spec's limits and device rules; nothing for mode none.
[[nodiscard]] std::optional<cgroups::Cgroup> make_cgroup(const cgroups::Location& location,
                                                         const spec::Spec& spec);

/// What make_cgroup() would do, in words.
[[nodiscard]] std::vector<std::string> describe_cgroup(const cgroups::Location& location,
                                                       const spec::Spec& spec);

/// Removes the group as far as nobody is in it; false if somebody is (or it cannot be removed).
[[nodiscard]] bool remove_empty_cgroup(const cgroups::Location& location);

}  // namespace minidocker::runtime
