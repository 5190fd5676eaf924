#include <fcntl.h>

#include <csignal>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "shim.hpp"

namespace minidocker::shim {
namespace {

/// As low as containerd's shims; needs CAP_SYS_RESOURCE, without which we stay as we are.
void lower_oom_score() noexcept {
  static_cast<void>(write_control_at(AT_FDCWD, "/proc/self/oom_score_adj", "-998").ok());
}

}  // namespace

UniqueFd become_shim() {
  // EPERM: we lead a session already.
  static_cast<void>(sys::setsid().ok());
  sys::set_name("mini-shim").or_throw();
  sys::set_child_subreaper(true).or_throw();
  lower_oom_score();
  sys::ignore_signal(SIGPIPE).or_throw("SIGPIPE");
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigaddset(&mask, SIGTERM);
  sys::set_signal_mask(mask).or_throw();
  return sys::signalfd(mask).or_throw();
}

}  // namespace minidocker::shim
