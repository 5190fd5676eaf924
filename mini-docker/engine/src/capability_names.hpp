#pragma once
/// \file
/// Which capabilities a container gets, by name.

#include <string>
#include <vector>

#include "minidocker/security/capabilities.hpp"

namespace minidocker::engine {

/// docker's default set, changed by --cap-add and --cap-drop as docker does: "ALL" stands for all
/// of `grantable`, names may lack "CAP_" and be in any case. What is added by name is asked for
/// even if it is not grantable: the runtime says then why. Sorted by number. Throws
/// Error(invalid_argument) naming an unknown one.
[[nodiscard]] std::vector<std::string> choose_capabilities(const std::vector<std::string>& add,
                                                           const std::vector<std::string>& drop,
                                                           security::CapabilitySet grantable);
/// All members of the set that have a name.
[[nodiscard]] std::vector<std::string> names_of_capabilities(security::CapabilitySet set);

}  // namespace minidocker::engine
