#include "attend.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <utility>

#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::namespaces {
namespace {

/// The process group in the terminal's foreground; 0 if there is none that we can see.
pid_t foreground_group() noexcept {
  pid_t group = 0;
  return sys::ioctl(STDIN_FILENO, TIOCGPGRP, "TIOCGPGRP", &group) ? group : 0;
}

/// The kernel stops who reads or writes in the background; it means us, not the child.
bool is_for_us(int signal) { return signal == SIGTTIN || signal == SIGTTOU; }

}  // namespace

SignalQueue::SignalQueue(const sigset_t& taken)
    : before_(sys::set_signal_mask(taken).or_throw("block signals")),
      signals_(sys::signalfd(taken).or_throw()) {}

SignalQueue::~SignalQueue() { static_cast<void>(sys::set_signal_mask(before_)); }

SignalQueue::Signal SignalQueue::next() const {
  struct signalfd_siginfo info;
  while (true) {
    sys::Result<std::size_t> got = sys::read(signals_.get(), &info, sizeof(info));
    if (got) return {static_cast<int>(info.ssi_signo), info.ssi_code <= 0};
    if (got.error() != EAGAIN) std::move(got).or_throw("signalfd");
    std::array<struct pollfd, 1> waiting{{{signals_.get(), POLLIN, 0}}};
    static_cast<void>(sys::poll(waiting, -1));  // an error of poll is one of the read that follows
  }
}

ExitStatus attend(const Process& child, const SignalQueue& signals, Forward which,
                  const std::function<std::optional<ExitStatus>()>& ended) {
  while (true) {
    const SignalQueue::Signal signal = signals.next();
    if (signal.number == SIGCHLD) {
      if (const std::optional<ExitStatus> status = ended()) return *status;
    } else if (!is_for_us(signal.number) && (which == Forward::all || signal.by_a_process)) {
      child.send(signal.number);
    }
  }
}

Foreground::Foreground() noexcept {
  const pid_t group = foreground_group();
  if (group == sys::getpgrp()) group_ = group;
}

Foreground::~Foreground() {
  if (group_ == 0 || foreground_group() == group_) return;
  static_cast<void>(sys::ioctl(STDIN_FILENO, TIOCSPGRP, "TIOCSPGRP", &group_));
}

}  // namespace minidocker::namespaces
