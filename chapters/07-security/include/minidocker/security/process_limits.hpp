#pragma once
/// \file
/// What a single process may use, and what becomes of it: rlimits, the OOM score.

#include <sys/resource.h>

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::security {

/// A limit of getrlimit(2).
struct RlimitValue {
  int resource = 0;             ///< RLIMIT_*
  rlim_t soft = RLIM_INFINITY;  ///< in force; the process may change it up to `hard`
  rlim_t hard = RLIM_INFINITY;  ///< raising it needs CAP_SYS_RESOURCE
};

/// "RLIMIT_NOFILE" for the number.
[[nodiscard]] std::string rlimit_name(int resource);

/// Sets a limit of the calling process. EPERM: a hard limit above the present one needs
/// CAP_SYS_RESOURCE. EINVAL: soft is above hard.
struct SetRlimit {
  static constexpr StepInfo kInfo{"07-security",
                                  "limits of one process, inherited by its children"};
  RlimitValue value;  ///< which and how much
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// How eagerly the OOM killer takes this process: -1000 (never) to 1000 (first). Lowering it needs
/// CAP_SYS_RESOURCE. While the host's /proc is in sight: before pivot_root.
struct SetOomScore {
  static constexpr StepInfo kInfo{"07-security", "who is killed first when memory runs out"};
  int score;  ///< -1000 to 1000
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::security
