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

/// What execve(2) has handed on to this process.
struct InheritedSignals {
  SignalSet ignored = 0;                                     ///< their action is to do nothing
  SignalSet blocked = 0;                                     ///< they wait
  bool operator==(const InheritedSignals&) const = default;  ///< member by member
};

/// The lines SigBlk and SigIgn in the text of a /proc/PID/status (proc_pid_status(5)); nothing if
/// they are not there, or not yet there as a whole.
[[nodiscard]] std::optional<InheritedSignals> parse_inherited_signals(std::string_view status);

/// What this process ignores and blocks now, glibc's own 32 and 33 among them, which its
/// posix_spawn(3) leaves ignored. Where no /proc is mounted nobody can tell: kAllSignals for both.
/// Throws SystemError.
[[nodiscard]] InheritedSignals inherited_signals();

}  // namespace minidocker
