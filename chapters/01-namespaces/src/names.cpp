#include "minidocker/namespaces/names.hpp"

#include <cstring>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/process.hpp"

namespace minidocker::namespaces {

StepResult SetHostname::run(ChildContext&) const noexcept {
  return sys::sethostname(name, std::strlen(name));
}

std::string SetHostname::describe() const {
  return fmt::format("set the host name to {}", quoted(name));
}

StepResult SetDomainname::run(ChildContext&) const noexcept {
  return sys::setdomainname(name, std::strlen(name));
}

std::string SetDomainname::describe() const {
  return fmt::format("set the NIS domain name to {}", quoted(name));
}

}  // namespace minidocker::namespaces
