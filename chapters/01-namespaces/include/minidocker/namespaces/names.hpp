#pragma once
/// \file
/// Host and domain name of a UTS namespace (uts_namespaces(7)).

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// Sets the host name of the process's UTS namespace. At most 64 bytes (EINVAL).
struct SetHostname {
  static constexpr StepInfo kInfo{"01-namespaces", "a machine of its own has a name of its own"};
  const char* name;  ///< the name
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Sets the NIS domain name of the process's UTS namespace. At most 64 bytes (EINVAL). It has
/// nothing to do with DNS.
struct SetDomainname {
  static constexpr StepInfo kInfo{"01-namespaces", "the NIS domain is part of the machine's name"};
  const char* name;  ///< the name
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
