#include "minidocker/runtime/foreground.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pty.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::runtime {
namespace {

/// Reaps what was orphaned to us; the container's first process is left to its owner.
void reap_others(const Process& process) {
  for (;;) {
    const sys::Result<siginfo_t> ended = sys::wait_any(WEXITED | WNOHANG | WNOWAIT);
    if (!ended || ended.value().si_pid == 0 || ended.value().si_pid == process.pid()) return;
    static_cast<void>(sys::wait_child(ended.value().si_pid));
  }
}

/// One signal of ours: WINCH sets the terminal's size, CHLD reaps, others go to the container.
void handle_signal(int signal_fd, const Process& process, const UniqueFd& terminal) {
  struct signalfd_siginfo info{};
  const sys::Result<std::size_t> size = sys::read(signal_fd, &info, sizeof(info));
  if (!size || size.value() != sizeof(info)) return;
  const int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGCHLD) {
    reap_others(process);
  } else if (signal == SIGWINCH && terminal) {
    copy_window_size(STDIN_FILENO, terminal.get());
  } else {
    process.send(signal);
  }
}

/// Copies what there is from `in` to `out`; false at the end of `in`, or when `out` is gone.
bool pump(int in, int out) {
  std::array<char, 32768> buffer;
  const sys::Result<std::size_t> size = sys::read(in, buffer.data(), buffer.size());
  if (!size || size.value() == 0) return false;  // EIO: the last slave was closed
  try {
    write_all(out, {buffer.data(), size.value()}, "the terminal");
  } catch (const SystemError&) {
    return false;
  }
  return true;
}

}  // namespace

ForegroundSignals::ForegroundSignals() {
  sigset_t all;
  ::sigfillset(&all);
  // Faults of our own must still end us.
  for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS}) {
    ::sigdelset(&all, fault);
  }
  fd_ = sys::signalfd(all).or_throw();
  sys::set_child_subreaper(true).or_throw("on");
  before_ = sys::set_signal_mask(all).or_throw("all signals");
}

ForegroundSignals::~ForegroundSignals() { static_cast<void>(sys::set_signal_mask(before_)); }

ExitStatus stand_by(Process& process, const ForegroundSignals& signals, UniqueFd terminal) {
  std::optional<RawMode> raw;
  if (terminal) {
    raw.emplace(STDIN_FILENO);
    copy_window_size(STDIN_FILENO, terminal.get());
  }
  bool input_open = static_cast<bool>(terminal);
  for (;;) {
    std::array<struct pollfd, 4> waits{{{process.pidfd(), POLLIN, 0},
                                        {signals.fd(), POLLIN, 0},
                                        {terminal.get(), POLLIN, 0},
                                        {input_open ? STDIN_FILENO : -1, POLLIN, 0}}};
    if (!sys::poll(waits, -1)) continue;
    if (waits[1].revents != 0) handle_signal(signals.fd(), process, terminal);
    if (waits[3].revents != 0) input_open = pump(STDIN_FILENO, terminal.get());
    if (waits[2].revents != 0 && !pump(terminal.get(), STDOUT_FILENO)) terminal.reset();
    // What it wrote last is read before its end is told.
    if (waits[0].revents != 0 && waits[2].revents == 0) return process.wait();
  }
}

}  // namespace minidocker::runtime
