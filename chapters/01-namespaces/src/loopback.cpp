#include "minidocker/namespaces/loopback.hpp"

#include <net/if.h>

#include <utility>

#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::namespaces {

StepResult BringUpLoopback::run(ChildContext&) const noexcept {
  // Any socket will do: the ioctl asks it only for its network namespace.
  sys::Result<UniqueFd> socket = sys::socket(AF_INET, SOCK_DGRAM, 0);
  if (!socket) return socket;
  const int fd = std::move(socket).value().release();  // execve closes it
  struct ifreq request = {};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP;  // the kernel keeps LOOPBACK and adds RUNNING by itself
  return sys::ioctl(fd, SIOCSIFFLAGS, "SIOCSIFFLAGS", &request);
}

std::string BringUpLoopback::describe() const { return "bring the interface lo up"; }

}  // namespace minidocker::namespaces
