#pragma once
/// \file
/// The promise never to gain privileges (Documentation/userspace-api/no_new_privs.rst).

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::security {

/// From here on execve(2) honours no setuid bit and no file capability, in this process and all its
/// descendants, for ever.
struct SetNoNewPrivs {
  static constexpr StepInfo kInfo{"07-security",
                                  "a setuid program in the image then gives nobody root"};
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::security
