#pragma once
/// \file
/// The one interface that every network namespace is born with.

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// Brings `lo` up. The kernel gives it 127.0.0.1/8 and ::1 by itself when it comes up; down, even
/// 127.0.0.1 is unreachable (ENETUNREACH).
struct BringUpLoopback {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "in a new network namespace even 127.0.0.1 is unreachable"};
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
