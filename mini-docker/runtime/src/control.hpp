#pragma once
/// \file
/// The commands on the group of a container that lives: pause, resume, update, events --stats.

#include <string>

#include "minidocker/spec/resources.hpp"

namespace minidocker::runtime {

/// Stops all processes of a container where they are. Throws Error(conflict) `container not
/// running` if it has ended or is paused, Error(unavailable) if it has no group.
void pause_container(const std::string& root, const std::string& id);

/// Lets a paused container go on. Throws Error(conflict) `container not paused`.
void resume_container(const std::string& root, const std::string& id);

/// Changes limits of a container that has not ended: all that `resources` holds or, if one is
/// refused, none. Throws Error(conflict) `container not running`, and what Cgroup::update() throws.
void update_container(const std::string& root, const std::string& id,
                      const spec::Resources& resources);

/// What a container has used, as one line of JSON like runc's. Throws as pause_container().
[[nodiscard]] std::string stats_of_container(const std::string& root, const std::string& id);

}  // namespace minidocker::runtime
