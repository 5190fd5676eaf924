#pragma once
/// \file
/// What a container's clone, mount, cgroup and capability calls do, however they name it.

#include <string>
#include <vector>

#include "narrated_calls.hpp"
#include "strace_log.hpp"

namespace minidocker::testing {

/// The calls of those four kinds, with paths followed to where they lead; `rootfs` is ROOT. See
/// calls_test.cpp for the rules.
[[nodiscard]] CallSet meanings(const std::vector<TracedCall>& calls, const std::string& rootfs);

}  // namespace minidocker::testing
