#pragma once
/// \file
/// What a group has used, as the line that `events --stats` prints.

#include <string>

#include "minidocker/cgroups/stats.hpp"

namespace minidocker::runtime {

/// runc's names and nesting (its types/events.go). It writes 0 for what it cannot tell; that is
/// left out here.
[[nodiscard]] std::string stats_json(const std::string& id, const cgroups::Stats& stats);

}  // namespace minidocker::runtime
