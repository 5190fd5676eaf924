#pragma once
/// \file
/// What PID 1 has to do for those who live in its PID namespace (pid_namespaces(7)).

#include <string>
#include <vector>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// Puts the process into a process group of its own and, if standard input is a terminal of ours,
/// makes that the foreground group: ^C is then for the program and not for its init.
struct OwnProcessGroup {
  static constexpr StepInfo kInfo{"01-namespaces", "^C at a terminal is meant for the program"};
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Runs `argv` (argv[0] along PATH, our environment) as a child and does an init's duties until it
/// ends: forwards every signal it gets, reaps every orphan, gives the terminal back. Returns the
/// exit code, 128 + n if signal n killed it. Throws ProgramError if the program cannot be run,
/// StepError, SystemError.
///
/// Must be called in a single-threaded process. Outside of a PID namespace of our own it becomes a
/// subreaper, so that orphans still come to it. Blocks all signals of the process.
[[nodiscard]] int run_init(const std::vector<std::string>& argv);

}  // namespace minidocker::namespaces
