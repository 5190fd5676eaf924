#pragma once
/// \file
/// What a process does that is there for another one: it hands signals on and gives the terminal
/// back. Shared by mini-init, which is PID 1, and nsrun, which waits outside.

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <optional>

#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::namespaces {

/// Takes signals from a descriptor, one after the other: no handler, no race. They are blocked for
/// as long as it lives.
class SignalQueue {
 public:
  /// Throws SystemError.
  explicit SignalQueue(const sigset_t& taken);
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;
  ~SignalQueue();

  /// A signal and where it came from.
  struct Signal {
    int number;         ///< SIGTERM ...
    bool by_a_process;  ///< sent by kill(2); false: by the kernel, e.g. for ^C at a terminal
  };
  /// The next one; waits for it. Throws SystemError.
  [[nodiscard]] Signal next() const;

 private:
  sigset_t before_;
  UniqueFd signals_;
};

/// Which signals are handed on.
enum class Forward {
  all,           ///< the child has a process group of its own, so nobody else tells it
  by_processes,  ///< the child is of our process group: what the terminal sends, it gets itself
};

/// Hands signals on to `child` until a SIGCHLD comes and `ended` knows how the child ended.
[[nodiscard]] ExitStatus attend(const Process& child, const SignalQueue& signals, Forward which,
                                const std::function<std::optional<ExitStatus>()>& ended);

/// Whose turn it is at the terminal on standard input. If it was our process group's, it is so
/// again in the end: a program that took the foreground for a group of its own cannot give it back,
/// and who comes after us would be stopped, or read end of file.
///
/// To be destroyed while SIGTTOU is blocked, as whoever changes the foreground from the background
/// is stopped by it.
class Foreground {
 public:
  Foreground() noexcept;
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;
  ~Foreground();

 private:
  pid_t group_ = 0;  // 0: no terminal, another's turn, or a group outside of our PID namespace
};

}  // namespace minidocker::namespaces
