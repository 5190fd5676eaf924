#pragma once
/// \file
/// Stopping and killing a group of cgroup v1 (cgroup-v1/freezer-subsystem.rst).

#include "minidocker/cgroups/driver.hpp"

namespace minidocker::cgroups {

/// Stops all in the freezer's directory; returns when the last one stands still.
void freeze_v1(const Directory& freezer, Deadline deadline);
/// Lets them go on.
void thaw_v1(const Directory& freezer, Deadline deadline);
/// Freezes if there is a `freezer`, kills those in `directory`, thaws. Those who fork meanwhile, or
/// were frozen before, are for the next round.
void kill_round_v1(const Directory& directory, const Directory* freezer);

}  // namespace minidocker::cgroups
