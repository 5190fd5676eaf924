#pragma once
/// \file
/// What a group has used, and what happened in it, as the lines that `events` prints.

#include <string>

#include "minidocker/cgroups/stats.hpp"

namespace minidocker::runtime {

/// runc's names and nesting (its types/events.go). It writes 0 for what it cannot tell; that is
/// left out here.
[[nodiscard]] std::string stats_json(const std::string& id, const cgroups::Stats& stats);
/// A process of the container was killed for want of memory.
[[nodiscard]] std::string oom_json(const std::string& id);

}  // namespace minidocker::runtime
