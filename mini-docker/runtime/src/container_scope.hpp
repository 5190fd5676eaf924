#pragma once
/// \file
/// Where systemd owns the tree: the container's group as a scope.

#include <sys/types.h>

#include <string>

#include "minidocker/cgroups/location.hpp"
#include "minidocker/runtime/container.hpp"
#include "minidocker/spec/spec.hpp"

namespace minidocker::runtime {

/// Where the container's scope will be: the spec's cgroupsPath, `SLICE:PREFIX:NAME`, else
/// mini-docker-ID.scope in CreateOptions::cgroup_parent. The system's systemd is asked by root, the
/// user's own by everybody else, also by who is root in a user namespace only. Throws
/// Error(invalid_argument) for names, Error(unavailable) where there is no v2.
[[nodiscard]] cgroups::Location choose_scope(const spec::Spec& spec, const CreateOptions& options);

}  // namespace minidocker::runtime
