#pragma once
/// \file
/// The cgroup of a container that exists, known by the text in its State.

#include <string>

namespace minidocker::runtime {

/// Sends `signal` to everyone in the group and below. SIGKILL reaches those too that fork meanwhile
/// or are frozen. Throws SystemError.
void signal_members(const std::string& location, int signal);

/// Do all in the group stand still?
[[nodiscard]] bool is_frozen(const std::string& location);
/// Lets them go on, if they do: on v1 a killed process ends only then.
void thaw_if_frozen(const std::string& location);

/// What becomes of processes that are in the group still.
enum class Members {
  kill,   ///< they are the container's
  spare,  ///< they are somebody else's, as the container's have all ended
};
/// Removes the group. Throws Error(conflict) `container's cgroup is not empty` naming processes
/// that are spared, Error(unavailable) if some do not end.
void remove_recorded(const std::string& location, Members members);

/// Removes the group that a container of this id has by default, where nobody is in it.
void remove_empty_default(const std::string& id);

}  // namespace minidocker::runtime
