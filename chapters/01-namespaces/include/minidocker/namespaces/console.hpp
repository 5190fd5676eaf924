#pragma once
/// \file
/// Session, terminal and standard descriptors of the program.

#include <sys/ioctl.h>

#include <array>
#include <string>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// Makes the process the leader of a new session without a terminal (setsid(2)).
struct NewSession {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "signals from our terminal are not meant for the container"};
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Opens a pseudo terminal of the root's own devpts. The slave is opened by TIOCGPTPEER and bound
/// on /dev/console by descriptor: no name in the container, which an attacker could swap, is
/// trusted (CVE-2025-52565). Works before and after PivotRoot, without a /proc.
struct OpenConsole {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "the terminal must be one that exists inside the container"};
  const int* root;      ///< slot of OpenRoot
  const char* console;  ///< file to bind the slave on, e.g. "dev/console"; null: none
  struct winsize size;  ///< window size to begin with; all zero: leave it
  int* master;          ///< slot: for SendFd, and CloseSlot after
  int* slave;           ///< slot: for TakeTerminal
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Makes the terminal the controlling one of the session (TIOCSCTTY) and standard input, output and
/// error. The process must be a session leader (NewSession).
struct TakeTerminal {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "job control and ^C need a controlling terminal"};
  const int* slave;  ///< slot of OpenConsole
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Makes descriptors standard input, output and error. Sources may be 0, 1, 2 themselves.
struct StdioTo {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "the program's input and output are somebody else's pipes"};
  std::array<int, 3> fds;  ///< for 0, 1, 2; -1: leave as it is. One that is itself 0, 1 or 2 must
                           ///< not be a target that an earlier one overwrites
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Closes the descriptor in a slot before the program runs.
struct CloseSlot {
  static constexpr StepInfo kInfo{"01-namespaces", "who keeps it open keeps it from ending"};
  int* fd;           ///< the slot; -1 afterwards
  const char* what;  ///< what it is, e.g. "the terminal's master side"
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
