#pragma once
/// \file
/// The commands on containers that exist: start, kill, delete.

#include <string>

#include "minidocker/runtime/state.hpp"

namespace minidocker::runtime {

/// Runs the program of a container in state `created` (made with Start::by_command). Of many starts
/// at once one succeeds. Ignores SIGPIPE from then on. Throws Error(conflict) in any other state,
/// with runc's words.
void start_created(const std::string& root, const std::string& id);

/// Whom a signal is for.
enum class Recipients {
  init,  ///< the first process
  all,   ///< everyone in its cgroup; without one the first process, for its PID namespace
};
/// Sends `signal`. Throws Error(conflict) `container not running` if it has stopped, and
/// Error(unavailable) if nobody knows who all are.
void kill_container(const std::string& root, const std::string& id, int signal,
                    Recipients recipients);

/// May a container that still runs be deleted?
enum class Force {
  no,   ///< only one that is stopped, or created (which is killed, as runc does)
  yes,  ///< kill it first; none of that id is no error
};
/// Removes process, cgroup and state. Finishes what a killed create or delete left behind, and
/// removes a directory whose state.json is broken. Processes in the group of a container that had
/// ended, PID namespace and all, are strangers and are spared: Force::yes leaves them the group.
/// Throws Error(conflict) `cannot delete container X that is not stopped: running`, or `container's
/// cgroup is not empty`.
void delete_container(const std::string& root, const std::string& id, Force force);

/// A signal by number ("9") or name ("KILL", "SIGKILL", any case). Throws Error(invalid_argument).
[[nodiscard]] int parse_signal(const std::string& text);

}  // namespace minidocker::runtime
