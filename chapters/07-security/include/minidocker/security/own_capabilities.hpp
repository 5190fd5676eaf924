#pragma once
/// \file
/// Capabilities that this very process gives up, for good: what capabilities.hpp does for a child
/// about to become another program.

#include "minidocker/security/capabilities.hpp"

namespace minidocker::security {

/// Leaves this thread, and those that it starts, no capability but those of `keep` that it has: in
/// the effective and permitted sets, and, with CAP_SETPCAP, in the bounding set; none in the
/// inheritable and ambient ones. Throws SystemError.
void keep_only(CapabilitySet keep);

}  // namespace minidocker::security
