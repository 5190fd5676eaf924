#include "foreground.hpp"

#include <sys/signalfd.h>

#include <array>
#include <csignal>
#include <optional>

#include "minidocker/toolbox/pty.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "usage_error.hpp"
#include "warnings.hpp"

namespace minidocker::cli {
namespace {

/// Not passed on: about our own children, about us alone, or faults of our own program.
constexpr std::array kKept{SIGCHLD, SIGPIPE, SIGURG, SIGSEGV, SIGBUS,  SIGFPE,
                           SIGILL,  SIGTRAP, SIGSYS, SIGABRT, SIGTTIN, SIGTTOU};

/// All other signals, blocked and readable from a descriptor for as long as it lives. Made before
/// the container, so that no signal falls in between.
class Signals {
 public:
  Signals() {
    sigset_t mask;
    sigfillset(&mask);
    for (const int signal : kKept) sigdelset(&mask, signal);
    before_ = sys::set_signal_mask(mask).or_throw();
    fd_ = sys::signalfd(mask).or_throw();
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { static_cast<void>(sys::set_signal_mask(before_).ok()); }

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The next one; 0 if there is none.
  [[nodiscard]] int read() const {
    struct signalfd_siginfo info{};
    const sys::Result<std::size_t> got = sys::read(fd_.get(), &info, sizeof(info));
    return got.ok() && got.value() == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t before_{};
  UniqueFd fd_;
};

void pass_on_size(engine::Attachment& attachment, int terminal) {
  const sys::Result<struct winsize> size = sys::window_size(terminal);
  if (size.ok()) attachment.resize(size.value().ws_row, size.value().ws_col);
}

void pass_on_signals(engine::Attachment& attachment, const Signals& signals, int terminal) {
  while (const int signal = signals.read()) {
    if (signal == SIGWINCH) {
      pass_on_size(attachment, terminal);
    } else {
      attachment.signal(signal);
    }
  }
}

int stand_by(engine::Attachment& attachment, const Signals& signals, int terminal) {
  for (;;) {
    std::array<struct pollfd, 2> fds{{{attachment.fd(), POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
    if (!sys::poll(fds, -1).ok()) continue;  // EINTR
    if (fds[1].revents != 0) pass_on_signals(attachment, signals, terminal);
    if (fds[0].revents == 0) continue;
    if (const std::optional<int> code = attachment.next()) return *code;
  }
}

}  // namespace

int run_in_foreground(engine::Engine& engine, const engine::CreateRequest& request,
                      const engine::StartOptions& options) {
  const bool uses_terminal = request.terminal && request.interactive;
  if (uses_terminal && !is_terminal(options.in)) {
    throw UsageError("the input device is not a TTY: leave -t away, or run it on a terminal", 1);
  }
  const engine::CreatedContainer container = engine.create(request);
  warn(container.warnings);
  const Signals signals;
  std::optional<RawMode> raw;
  if (uses_terminal) raw.emplace(options.in);
  engine::Attachment attachment = engine.start(container.id, options);
  return stand_by(attachment, signals, options.out);
}

}  // namespace minidocker::cli
