/// \file
/// mini-scope: asks systemd for a scope. Started by mini-runc and mini-shim, which are static and
/// cannot link libsystemd, with a socket as descriptor 3; see systemd_protocol.hpp for both sides.

#include <signal.h>

#include <exception>
#include <string>
#include <string_view>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/program.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "systemd_bus.hpp"
#include "systemd_protocol.hpp"

namespace minidocker::cgroups {
namespace {

constexpr int kExitUsage = 2;

ScopeRequest receive_request() {
  std::string text(kLongestScopeMessage, '\0');
  const sys::Received received =
      sys::receive(kScopeSocketFd, text.data(), text.size()).or_throw("socket of mini-runc");
  return ScopeRequest::from_text(std::string_view(text).substr(0, received.size));
}

ScopeAnswer answer_to(const ScopeRequest& request) {
  try {
    SystemdBus bus(request.manager);
    if (request.verb == ScopeRequest::Verb::start) return {bus.start(request), {}, {}};
    bus.set(request);
    return {};
  } catch (const Error& error) {
    return {"", error.kind(), error.what()};
  }
}

void serve() {
  // Whoever asked and died wants no answer; there is nobody else who would end us.
  sys::set_parent_death_signal(SIGKILL).or_throw("SIGKILL");
  const std::string text = answer_to(receive_request()).to_text();
  sys::send(kScopeSocketFd, text.data(), text.size()).or_throw("socket of mini-runc");
}

}  // namespace
}  // namespace minidocker::cgroups

int main() {
  try {
    (void)minidocker::prepare_process();
    minidocker::cgroups::serve();
    return 0;
  } catch (const std::exception& error) {
    const std::string what =
        std::string(error.what()) + "; it is started by mini-runc, with a socket as descriptor 3";
    return minidocker::complain("mini-scope", what, minidocker::cgroups::kExitUsage);
  }
}
