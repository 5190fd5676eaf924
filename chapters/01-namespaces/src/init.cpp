#include "minidocker/namespaces/init.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::namespaces {
namespace {

/// All signals are taken from a descriptor, one after the other: no handler, no race.
UniqueFd take_all_signals() {
  sigset_t all;
  ::sigfillset(&all);
  sys::set_signal_mask(all).or_throw("block all signals");
  return sys::signalfd(all).or_throw();
}

/// Starts the program that the init is there for.
Process start_program(const std::vector<std::string>& argv) {
  using Path = std::array<char, FindProgram::kMaxPath>;
  const char* const path = std::getenv("PATH");
  ChildPlan plan;
  char* const found = plan.make<Path>()->data();
  plan.add(OwnProcessGroup{});
  plan.add(ResetSignals{ignored_signals()});
  plan.add(FindProgram{plan.copy(argv.at(0)), path, found});
  plan.add(Exec{found, plan.copy_array(argv), environ});
  StartedChild child = StartedChild::start(plan, {});
  child.wait_for_exec();
  return child.release();
}

/// Reaps everybody who has ended. Nobody else can: orphans were given to us by the kernel, and each
/// keeps its pid until we ask how it ended. Returns how `child` ended, if it has.
std::optional<ExitStatus> reap_all(pid_t child) {
  std::optional<ExitStatus> ended;
  while (true) {
    const sys::Result<siginfo_t> info = sys::wait_any(WEXITED | WNOHANG);
    if (!info || info.value().si_pid == 0) return ended;
    if (info.value().si_pid != child) continue;
    const bool exited = info.value().si_code == CLD_EXITED;
    ended = exited ? ExitStatus{info.value().si_status, 0} : ExitStatus{0, info.value().si_status};
  }
}

/// The next signal; waits for one.
int next_signal(int signals) {
  struct signalfd_siginfo info;
  while (true) {
    sys::Result<std::size_t> got = sys::read(signals, &info, sizeof(info));
    if (got) return static_cast<int>(info.ssi_signo);
    if (got.error() != EAGAIN) std::move(got).or_throw("signalfd");
    std::array<struct pollfd, 1> waiting{{{signals, POLLIN, 0}}};
    (void)sys::poll(waiting, -1);  // an error of poll is one of the read that follows
  }
}

/// PID 1 without a handler for a signal does not even get it, and Ctrl-Z must not stop an init. All
/// others go to the program, which has asked for them or dies of them.
bool is_forwarded(int signal) { return signal != SIGTTIN && signal != SIGTTOU; }

ExitStatus serve(pid_t child, int pidfd, int signals) {
  while (true) {
    const int signal = next_signal(signals);
    if (signal == SIGCHLD) {
      if (const std::optional<ExitStatus> ended = reap_all(child)) return *ended;
    } else if (is_forwarded(signal)) {
      (void)sys::pidfd_send_signal(pidfd, signal);  // ESRCH: it has ended, SIGCHLD is on its way
    }
  }
}

}  // namespace

StepResult OwnProcessGroup::run(ChildContext&) const noexcept {
  const sys::Result<> grouped = sys::setpgid(0, 0);
  if (!grouped) return grouped;
  pid_t group = sys::getpid();
  const sys::Result<int> front = sys::ioctl(0, TIOCSPGRP, "TIOCSPGRP", &group);
  // No terminal, or one that controls another session: there is no foreground to take.
  if (!front && (front.error() == ENOTTY || front.error() == ENXIO || front.error() == EBADF)) {
    return StepResult::ok();
  }
  return front;
}

std::string OwnProcessGroup::describe() const {
  return "begin a process group of its own, in the terminal's foreground if there is one";
}

int run_init(const std::vector<std::string>& argv) {
  if (sys::getpid() != 1) sys::set_child_subreaper(true).or_throw("receive orphans");
  const UniqueFd signals = take_all_signals();
  const auto [pid, pidfd] = start_program(argv).release();
  return serve(pid, pidfd.get(), signals.get()).shell_code();
}

}  // namespace minidocker::namespaces
