#include "minidocker/namespaces/propagation.hpp"

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/mount.hpp"

namespace minidocker::namespaces {
namespace {

const char* propagation_in_words(unsigned long flags) {
  if ((flags & MS_SHARED) != 0) return "shared: mounts go both ways";
  if ((flags & MS_SLAVE) != 0) return "slave: mounts come in, none goes out";
  if ((flags & MS_PRIVATE) != 0) return "private: no mount comes in or goes out";
  if ((flags & MS_UNBINDABLE) != 0) return "unbindable: private, and no bind of it can be made";
  return "nothing that the kernel knows";
}

}  // namespace

StepResult SetPropagation::run(ChildContext&) const noexcept {
  return sys::mount(nullptr, target, nullptr, flags, nullptr);
}

std::string SetPropagation::describe() const {
  return fmt::format("make {}{} {}", quoted(target),
                     (flags & MS_REC) != 0 ? " and all mounts below it" : "",
                     propagation_in_words(flags));
}

}  // namespace minidocker::namespaces
