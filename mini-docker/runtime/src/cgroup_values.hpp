#pragma once
/// \file
/// The spec's words about cgroups as chapter 02's values.

#include <vector>

#include "minidocker/cgroups/device_rules.hpp"
#include "minidocker/cgroups/limits.hpp"
#include "minidocker/spec/spec.hpp"

namespace minidocker::runtime {

/// All but the device rules.
[[nodiscard]] cgroups::Limits limits_of(const spec::Resources& resources);

/// Deny all, the defaults, the spec's own devices, then its rules: runc's order. Throws
/// Error(invalid_argument) for an access that is none.
[[nodiscard]] std::vector<cgroups::DeviceRule> device_rules_of(const spec::Linux& config);

}  // namespace minidocker::runtime
