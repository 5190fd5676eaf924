#include "minidocker/namespaces/init.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "attend.hpp"
#include "minidocker/toolbox/child_steps.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::namespaces {
namespace {

/// Starts the program that the init is there for.
Process start_program(const std::vector<std::string>& argv) {
  using Path = std::array<char, FindProgram::kMaxPath>;
  const char* const path = std::getenv("PATH");
  ChildPlan plan;
  char* const found = plan.make<Path>()->data();
  plan.add(OwnProcessGroup{});
  plan.add(ResetSignals{inherited_signals().ignored});
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
    if (info.value().si_pid == child) ended = ExitStatus::of(info.value());
  }
}

}  // namespace

StepResult OwnProcessGroup::run(ChildContext&) const noexcept {
  const sys::Result<> grouped = sys::setpgid(0, 0);
  if (!grouped) return grouped;
  pid_t group = sys::own_pid();
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
  if (sys::own_pid() != 1) sys::set_child_subreaper(true).or_throw("receive orphans");
  sigset_t all;
  ::sigfillset(&all);
  const SignalQueue signals(all);
  const Foreground foreground;
  Process program = start_program(argv);
  const ExitStatus status =
      attend(program, signals, Forward::all, [&program] { return reap_all(program.pid()); });
  static_cast<void>(program.release());  // it was reaped with all others
  return status.shell_code();
}

}  // namespace minidocker::namespaces
