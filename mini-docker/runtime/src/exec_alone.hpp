#pragma once
/// \file
/// Becoming the program when whoever made the container is gone.

#include <string>

#include "minidocker/toolbox/child_steps.hpp"

namespace minidocker::runtime {

/// execve(2) after a WaitFifo: `create` has ended and `start` knows only that the wait is over, so
/// a failure is told to the program's own standard error. The last step of a plan.
struct ExecAlone {
  static constexpr StepInfo kInfo = Exec::kInfo;
  Exec exec;                ///< what is tried
  const char* name_quoted;  ///< argv[0] for the message
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const { return exec.describe(); }
};

}  // namespace minidocker::runtime
