#include "minidocker/security/no_new_privs.hpp"

#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::security {

StepResult SetNoNewPrivs::run(ChildContext&) const noexcept { return sys::set_no_new_privs(); }

std::string SetNoNewPrivs::describe() const { return "promise never to gain privileges"; }

}  // namespace minidocker::security
