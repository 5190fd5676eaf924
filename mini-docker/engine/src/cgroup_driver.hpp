#pragma once
/// \file
/// Who makes the groups of containers: we, in the kernel's filesystem, or systemd.

#include <string>

#include "minidocker/engine/request.hpp"

namespace minidocker::engine {

/// What docker calls native.cgroupdriver.
enum class CgroupDriver {
  cgroupfs,  ///< the runtime makes directories
  systemd,   ///< the runtime asks systemd for a scope
};

/// The driver that the request names; else systemd where it owns the tree and serves us (v2, and
/// for an ordinary user a systemd of the user's own), cgroupfs anywhere else; a trace::Scope tells
/// why. Throws Error(invalid_argument) for an unknown name.
[[nodiscard]] CgroupDriver choose_cgroup_driver(const CreateRequest& request);

/// /linux/cgroupsPath of container `id`: `PARENT/ID`, or `SLICE:mini-docker:ID` with systemd. Empty
/// if our own runtime shall choose. Throws Error(invalid_argument) for a parent that is no slice.
[[nodiscard]] std::string cgroups_path(const CreateRequest& request, CgroupDriver driver,
                                       const std::string& id);

}  // namespace minidocker::engine
