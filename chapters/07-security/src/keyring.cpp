#include "minidocker/security/keyring.hpp"

#include <cerrno>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::security {

StepResult JoinKeyring::run(ChildContext&) const noexcept {
  const sys::Result<> joined = sys::join_session_keyring(name);
  if (!joined && (joined.error() == ENOSYS || joined.error() == EDQUOT)) return StepResult::ok();
  return joined;
}

std::string JoinKeyring::describe() const {
  return fmt::format("begin a session keyring {}", quoted(name));
}

}  // namespace minidocker::security
