#pragma once
/// \file
/// The session keyring (session-keyring(7)).

#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::security {

/// Joins a new session keyring, so that keys of the host's session are neither seen nor changed in
/// the container. Keyrings know no namespaces but the user's. A kernel without keyrings (ENOSYS) or
/// with this user's quota used up (EDQUOT) is no error: there is nothing to hide then, or it stays
/// as it is, as runc does.
struct JoinKeyring {
  static constexpr StepInfo kInfo{"07-security",
                                  "the keys of the caller's session are not the container's"};
  const char* name;  ///< "_ses.ID"
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::security
