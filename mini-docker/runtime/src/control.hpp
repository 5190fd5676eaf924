#pragma once
/// \file
/// The commands on the group of a container that lives: pause, resume, update, events.

#include <chrono>
#include <functional>
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

/// Tells what happens in a container until its first process has ended: what it has used each
/// `interval`, the first time after one, and each kill for want of memory at once; lines of JSON
/// like runc's. Throws as pause_container() and OomWatch::of().
void follow_container(const std::string& root, const std::string& id,
                      std::chrono::nanoseconds interval,
                      const std::function<void(const std::string& line)>& tell);

}  // namespace minidocker::runtime
