#pragma once
/// \file
/// Pseudo terminals (pty(7)): making one, raw mode, window size.

#include <sys/ioctl.h>
#include <termios.h>

#include <optional>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker {

/// The slave of the pseudo terminal behind `master`, unlocked and opened by TIOCGPTPEER: from the
/// same devpts, and by no name that somebody could redirect (CVE-2025-52565). Child-safe.
[[nodiscard]] sys::Result<UniqueFd> open_peer(int master) noexcept;

/// Both sides of a pseudo terminal.
struct Pty {
  UniqueFd master;  ///< the terminal emulator's side
  UniqueFd slave;   ///< the program's side

  /// Opens `ptmx` (e.g. "/dev/ptmx", or "/dev/pts/ptmx" of a container's own devpts) and its peer.
  /// Child-safe.
  static sys::Result<Pty> open(const char* ptmx) noexcept;
};

/// Puts a terminal into raw mode for as long as it lives and restores it then, in the process
/// that made it only. Does nothing for a descriptor that is no terminal.
class RawMode {
 public:
  /// `fd` is borrowed. Throws SystemError.
  explicit RawMode(int fd);
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;
  ~RawMode();

 private:
  int fd_;
  int maker_ = -1;
  std::optional<struct termios> before_;
};

/// Is it a terminal?
[[nodiscard]] bool is_terminal(int fd) noexcept;
/// Copies the window size of terminal `from` to terminal `to`; nothing if `from` is none.
void copy_window_size(int from, int to) noexcept;

}  // namespace minidocker
