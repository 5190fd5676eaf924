#pragma once
/// \file
/// All of the chapter at once: a program in new namespaces. mini-runc does the same from an OCI
/// spec; here is just what is needed to see the kernel at work.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "minidocker/namespaces/id_maps.hpp"
#include "minidocker/namespaces/time_offsets.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/started_child.hpp"

namespace minidocker::namespaces {

/// What run_in_namespaces() shall make.
struct RunOptions {
  std::uint64_t kinds = 0;               ///< CLONE_NEW* of the namespaces to make
  std::string hostname;                  ///< empty: keep; needs a UTS namespace
  std::vector<IdMapping> uids;           ///< with a user namespace; empty: 0 is ourselves
  std::vector<IdMapping> gids;           ///< with a user namespace; empty: 0 is our group
  std::vector<TimeOffset> time_offsets;  ///< with a time namespace
  std::string init;  ///< path of mini-init, run as PID 1 above the program; empty: no init
  std::string root;  ///< directory to make "/", with /proc, /sys and /dev; needs a mount namespace
};

/// Runs `argv` in new namespaces. With a mount namespace, mounts are private, and with a PID
/// namespace too there is a new /proc; with a network namespace `lo` is up. Returns the running
/// program. Throws Error(invalid_argument) for options that do not fit together, ProgramError,
/// StepError, SystemError. Needs a single-threaded caller, and root unless a user namespace is
/// among `kinds`. The program gets 0, 1 and 2 of ours and no other descriptor, no signal blocked or
/// ignored, and is killed when the thread that called ends.
[[nodiscard]] Process start_in_namespaces(const RunOptions& options,
                                          const std::vector<std::string>& argv);

/// start_in_namespaces(), then waits: the exit code, 128 + n if signal n killed it. Meanwhile,
/// signals that a process sends us are handed on to the program; a terminal's reach it by itself.
/// In the end the terminal's foreground is whose it was.
[[nodiscard]] int run_in_namespaces(const RunOptions& options,
                                    const std::vector<std::string>& argv);

/// Runs `argv` in namespaces of the process `pid`: those of `kinds`; 0: of each kind that it does
/// not share with us. Returns the running program, as start_in_namespaces() does, and throws as
/// that; Error(invalid_argument) if there is nothing to join. Root of a user namespace that is
/// joined: user 0 must be mapped there (EINVAL).
[[nodiscard]] Process start_in_namespaces_of(pid_t pid, std::uint64_t kinds,
                                             const std::vector<std::string>& argv);

/// start_in_namespaces_of(), then as run_in_namespaces().
[[nodiscard]] int run_in_namespaces_of(pid_t pid, std::uint64_t kinds,
                                       const std::vector<std::string>& argv);

}  // namespace minidocker::namespaces
