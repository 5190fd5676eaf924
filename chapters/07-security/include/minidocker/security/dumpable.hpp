#pragma once
/// \file
/// What other processes may do to ours while it is not yet the program (prctl(2) PR_SET_DUMPABLE,
/// ptrace(2) "Ptrace access mode checking").

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::security {

/// Clears the dumpable attribute, so that only who has CAP_SYS_PTRACE on the host may look into
/// this process. It is still our binary, with descriptors and memory of the host's, but from here
/// on with no more privileges than others in its PID namespace: they could trace it, or open
/// /proc/PID/exe and write to our binary once it is not executed any more (CVE-2016-9962,
/// CVE-2019-5736). execve(2) sets the attribute again. Must come after the id maps are written, as
/// /proc/PID belongs to root then.
struct HideFromOthers {
  static constexpr StepInfo kInfo{"07-security",
                                  "it is still our binary, and no longer privileged"};
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::security
