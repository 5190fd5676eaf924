#include "minidocker/toolbox/pipe.hpp"

#include <utility>

#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker {

Pipe Pipe::make() {
  sys::FdPair ends = sys::pipe2().or_throw();
  return {std::move(ends.first), std::move(ends.second)};
}

SocketPair SocketPair::make() {
  sys::FdPair ends = sys::socketpair(SOCK_SEQPACKET).or_throw();
  return {std::move(ends.first), std::move(ends.second)};
}

}  // namespace minidocker
