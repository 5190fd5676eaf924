#include "minidocker/toolbox/pty.hpp"

#include <fcntl.h>

#include <utility>

#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker {

sys::Result<UniqueFd> open_peer(int master) noexcept {
  int locked = 0;
  const sys::Result<int> unlock = sys::ioctl(master, TIOCSPTLCK, "TIOCSPTLCK", &locked);
  if (!unlock) return sys::Result<UniqueFd>::failure(unlock.call(), unlock.error());
  // The classic way asks for the slave's number and opens /dev/pts/N. In a container that path is
  // the image's to choose; this request opens the peer of the master itself.
  const sys::Result<int> slave =
      sys::ioctl_number(master, TIOCGPTPEER, "TIOCGPTPEER", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (!slave) return sys::Result<UniqueFd>::failure(slave.call(), slave.error());
  return {slave.call(), UniqueFd(slave.value())};
}

sys::Result<Pty> Pty::open(const char* ptmx) noexcept {
  sys::Result<UniqueFd> master = sys::open(ptmx, O_RDWR | O_NOCTTY);
  if (!master) return sys::Result<Pty>::failure(master.call(), master.error());
  sys::Result<UniqueFd> slave = open_peer(master.value().get());
  if (!slave) return sys::Result<Pty>::failure(slave.call(), slave.error());
  return {slave.call(), Pty{std::move(master).value(), std::move(slave).value()}};
}

RawMode::RawMode(int fd) : fd_(fd), maker_(sys::own_pid()) {
  if (!is_terminal(fd)) return;
  const struct termios before = sys::tcgetattr(fd).or_throw();
  struct termios raw = before;
  ::cfmakeraw(&raw);
  sys::tcsetattr(fd, raw).or_throw("raw mode");
  before_ = before;
}

RawMode::~RawMode() {
  if (before_ && maker_ == sys::own_pid()) (void)sys::tcsetattr(fd_, *before_);
}

bool is_terminal(int fd) noexcept { return sys::tcgetattr(fd).ok(); }

void copy_window_size(int from, int to) noexcept {
  sys::Result<struct winsize> size = sys::window_size(from);
  if (size) (void)sys::set_window_size(to, size.value());
}

}  // namespace minidocker
