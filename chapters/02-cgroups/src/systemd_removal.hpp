#pragma once
/// \file
/// The end of a scope's directory.

#include "minidocker/cgroups/driver.hpp"

namespace minidocker::cgroups {

/// Waits until systemd has removed a scope's directory, which it does as soon as it sees that the
/// group is empty. Should we remove it, systemd would never see that, and keep the unit. What we
/// made below it is ours, and removed first. Already gone is fine. Throws Error(conflict) naming
/// processes that are still in it at `deadline`, Error(unavailable) if there are none.
void await_removal(const Driver& driver, const Directory& directory, Deadline deadline);

}  // namespace minidocker::cgroups
