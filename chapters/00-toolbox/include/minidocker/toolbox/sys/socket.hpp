#pragma once
/// \file
/// Pipes, sockets, terminals and waiting for them.

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::sys {

/// Two descriptors made by one call.
struct FdPair {
  UniqueFd first;   ///< pipe: the end to read from
  UniqueFd second;  ///< pipe: the end to write to
};

/// pipe2(2) with O_CLOEXEC and `flags` (O_NONBLOCK, O_DIRECT).
Result<FdPair> pipe2(int flags = 0) noexcept;
/// socketpair(2) AF_UNIX with SOCK_CLOEXEC; `type` e.g. SOCK_SEQPACKET.
Result<FdPair> socketpair(int type) noexcept;
/// socket(2) with SOCK_CLOEXEC.
Result<UniqueFd> socket(int domain, int type, int protocol) noexcept;
/// bind(2).
Result<> bind(int fd, const struct sockaddr* address, socklen_t size) noexcept;
/// listen(2).
Result<> listen(int fd, int backlog) noexcept;
/// accept4(2) with SOCK_CLOEXEC.
Result<UniqueFd> accept(int fd) noexcept;
/// connect(2).
Result<> connect(int fd, const struct sockaddr* address, socklen_t size) noexcept;
/// sendmsg(2) with MSG_NOSIGNAL: `data`, and up to 16 descriptors by SCM_RIGHTS.
Result<std::size_t> send(int fd, const void* data, std::size_t size,
                         std::span<const int> fds = {}) noexcept;
/// What recvmsg(2) brought.
struct Received {
  static constexpr std::size_t kMaxFds = 16;  ///< as many as send() passes
  std::size_t size = 0;                       ///< bytes; 0 is the end
  std::size_t fd_count = 0;                   ///< how many of fds are set
  std::array<UniqueFd, kMaxFds> fds;          ///< descriptors, born close-on-exec
  bool truncated = false;                     ///< the message or its descriptors did not fit
};
/// recvmsg(2) with MSG_CMSG_CLOEXEC.
Result<Received> receive(int fd, void* buffer, std::size_t size) noexcept;
/// poll(2); `timeout_ms` -1 waits for ever. EINTR is returned, not retried.
Result<int> poll(std::span<struct pollfd> fds, int timeout_ms) noexcept;
/// signalfd4(2) with SFD_CLOEXEC and SFD_NONBLOCK.
Result<UniqueFd> signalfd(const sigset_t& mask) noexcept;
/// ioctl(2) with a pointer; `name` is the request as the tracer shall print it.
Result<int> ioctl(int fd, unsigned long request, const char* name, void* argument) noexcept;
/// ioctl(2) with a plain number.
Result<int> ioctl_number(int fd, unsigned long request, const char* name, long argument) noexcept;
/// tcgetattr(3): ioctl TCGETS. ENOTTY: not a terminal.
Result<struct termios> tcgetattr(int fd) noexcept;
/// tcsetattr(3) TCSANOW: ioctl TCSETS.
Result<> tcsetattr(int fd, const struct termios& settings) noexcept;
/// ioctl_tty(2) TIOCGWINSZ.
Result<struct winsize> window_size(int fd) noexcept;
/// ioctl_tty(2) TIOCSWINSZ.
Result<> set_window_size(int fd, const struct winsize& size) noexcept;

}  // namespace minidocker::sys
