#include "minidocker/runtime/foreground.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <utility>

#include "minidocker/runtime/relay.hpp"
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

UniqueFd copy_of(int fd, const char* what) { return sys::dup(fd).or_throw(what); }

/// Our standard input and output, and the program's terminal. Neither direction ever waits for the
/// other: a program that reads nothing must not keep us from showing what it prints.
class OurTerminal {
 public:
  explicit OurTerminal(UniqueFd master)
      : raw_(STDIN_FILENO),
        master_(never_waiting(std::move(master))),
        input_(copy_of(STDIN_FILENO, "standard input"),
               {copy_of(master_.get(), "the terminal"), /*may_block=*/false}),
        output_(copy_of(master_.get(), "the terminal"),
                without_waiting(copy_of(STDOUT_FILENO, "standard output"))) {
    follow_size();
  }
  void follow_size() const noexcept { copy_window_size(STDIN_FILENO, master_.get()); }
  [[nodiscard]] Relay& input() noexcept { return input_; }
  [[nodiscard]] Relay& output() noexcept { return output_; }

 private:
  static UniqueFd never_waiting(UniqueFd master) {
    sys::set_nonblocking(master.get(), true).or_throw("the terminal");
    return master;
  }
  RawMode raw_;
  UniqueFd master_;
  Relay input_;
  Relay output_;
};

/// Waits for everything at once.
class Foreground {
 public:
  Foreground(Process& process, const ForegroundSignals& signals, UniqueFd terminal)
      : process_(process), signals_(signals) {
    if (terminal) terminal_.emplace(std::move(terminal));
  }

  ExitStatus stand_by() {
    while (!is_over()) turn();
    return process_.wait();
  }

 private:
  /// The program has ended, and what it wrote last, which lies in its terminal still, is read.
  [[nodiscard]] bool is_over() const noexcept { return ended_ && nothing_left_; }

  void turn() {
    const struct pollfd none{-1, 0, 0};
    std::array<struct pollfd, 4> waits{{{ended_ ? -1 : process_.pidfd(), POLLIN, 0},
                                        {signals_.fd(), POLLIN, 0},
                                        terminal_ ? terminal_->input().wants() : none,
                                        terminal_ ? terminal_->output().wants() : none}};
    const bool only_looks = ended_ && !holds_output();
    if (!sys::poll(waits, only_looks ? 0 : -1)) return;
    nothing_left_ = only_looks && waits[3].revents == 0;
    if (waits[0].revents != 0) {
      ended_ = true;
      nothing_left_ = !terminal_;
      if (nothing_left_) return;  // whatever signals wait, too: nobody is left to hear of them
    }
    if (waits[1].revents != 0) take_signal();
    if (terminal_) {
      terminal_->input().proceed(waits[2].revents);
      terminal_->output().proceed(waits[3].revents);
    }
  }

  [[nodiscard]] bool holds_output() { return terminal_ && terminal_->output().holds_bytes(); }

  /// One signal of ours: WINCH sets the terminal's size, CHLD reaps, others go to the container. If
  /// that has ended, they end our waiting for whoever reads its output.
  void take_signal() {
    struct signalfd_siginfo info{};
    const sys::Result<std::size_t> size = sys::read(signals_.fd(), &info, sizeof(info));
    if (!size || size.value() != sizeof(info)) return;
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
      reap_others(process_);
    } else if (signal == SIGWINCH && terminal_) {
      terminal_->follow_size();
    } else if (ended_) {
      nothing_left_ = true;
    } else {
      process_.send(signal);
    }
  }

  Process& process_;
  const ForegroundSignals& signals_;
  std::optional<OurTerminal> terminal_;
  bool ended_ = false;
  bool nothing_left_ = false;
};

}  // namespace

ForegroundSignals::ForegroundSignals(Orphans orphans) {
  sigset_t all;
  ::sigfillset(&all);
  // Faults of our own must still end us.
  for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS}) {
    ::sigdelset(&all, fault);
  }
  fd_ = sys::signalfd(all).or_throw();
  if (orphans == Orphans::are_ours) sys::set_child_subreaper(true).or_throw("on");
  before_ = sys::set_signal_mask(all).or_throw("all signals");
}

ForegroundSignals::~ForegroundSignals() { static_cast<void>(sys::set_signal_mask(before_)); }

ExitStatus stand_by(Process& process, const ForegroundSignals& signals, UniqueFd terminal) {
  return Foreground(process, signals, std::move(terminal)).stand_by();
}

}  // namespace minidocker::runtime
