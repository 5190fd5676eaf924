#include "minidocker/toolbox/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <exception>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker {
namespace {

/// One poll(2) tells of all three.
void fill_standard_descriptors() {
  std::array<struct pollfd, 3> standard{
      {{STDIN_FILENO, 0, 0}, {STDOUT_FILENO, 0, 0}, {STDERR_FILENO, 0, 0}}};
  sys::poll(standard, 0).or_throw("standard descriptors");
  for (const struct pollfd& entry : standard) {
    if ((entry.revents & POLLNVAL) == 0) continue;
    UniqueFd null = sys::open("/dev/null", O_RDWR).or_throw("\"/dev/null\"");
    // The lowest free number is the one that is missing, as those below were filled before.
    sys::pass_on_as(null.get(), entry.fd).or_throw("\"/dev/null\"");
    if (null.get() == entry.fd) static_cast<void>(null.release());
  }
}

}  // namespace

SignalSet prepare_process() {
  fill_standard_descriptors();
  InheritedSignals signals = inherited_signals();
  if ((signals.ignored & signal_bit(SIGCHLD)) != 0) {
    sys::default_signal(SIGCHLD).or_throw("SIGCHLD");
    signals.ignored &= ~signal_bit(SIGCHLD);
  }
  if (signals.blocked != 0) {
    sigset_t none;
    ::sigemptyset(&none);
    sys::set_signal_mask(none).or_throw("unblock all signals");
  }
  return signals.ignored;
}

std::vector<std::string> take_command(std::string_view program, std::vector<std::string> words) {
  if (!words.empty() && words.front() == "--") {
    words.erase(words.begin());
  } else if (!words.empty() && words.front().starts_with('-')) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("unknown option {0}; {1} --help lists all, and a program of such a "
                            "name goes behind --",
                            quoted(words.front()), program));
  }
  if (words.empty()) throw Error(ErrorKind::invalid_argument, "no program to run was given");
  return words;
}

int complain(std::string_view program, std::string_view message, int code) noexcept {
  try {
    write_all(STDERR_FILENO, fmt::format("{}: {}\n", program, message), "standard error");
  } catch (const std::exception&) {
    // Nobody is left to be told.
  }
  return code;
}

}  // namespace minidocker
