#pragma once
/// \file
/// Which signals a process ignores: execve(2) resets handlers but hands ignoring on.

#include <cstdint>
#include <optional>
#include <string_view>

namespace minidocker {

/// A set of signals as the kernel prints it: bit n-1 is signal n.
using SignalSet = std::uint64_t;

/// The set of just this signal.
[[nodiscard]] constexpr SignalSet signal_bit(int signal) noexcept {
  return SignalSet{1} << (static_cast<unsigned>(signal) - 1);
}

/// Every signal whose action can be chosen: all but SIGKILL and SIGSTOP.
inline constexpr SignalSet kAllSignals = ~(signal_bit(9) | signal_bit(19));

/// The SigIgn line in the text of a /proc/PID/status (proc_pid_status(5)); nothing if the line is
/// not there, or not yet there as a whole.
[[nodiscard]] std::optional<SignalSet> parse_ignored_signals(std::string_view status);

/// The signals that this process ignores now, glibc's own 32 and 33 among them, which its
/// posix_spawn(3) leaves ignored. Where no /proc is mounted nobody can tell: kAllSignals then.
/// Throws SystemError.
[[nodiscard]] SignalSet ignored_signals();

}  // namespace minidocker
