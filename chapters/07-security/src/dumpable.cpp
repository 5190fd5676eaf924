#include "minidocker/security/dumpable.hpp"

#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::security {

StepResult HideFromOthers::run(ChildContext&) const noexcept { return sys::set_dumpable(false); }

std::string HideFromOthers::describe() const {
  return "let no process of the container look into this one";
}

}  // namespace minidocker::security
