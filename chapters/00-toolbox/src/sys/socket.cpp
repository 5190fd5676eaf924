#include "minidocker/toolbox/sys/socket.hpp"

#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "traced.hpp"

namespace minidocker::sys {

using trace::fd;
using trace::flags;
using trace::number;
using trace::text;

namespace {

constexpr trace::FlagName kPipeFlags[] = {
    {O_CLOEXEC, "O_CLOEXEC"}, {O_NONBLOCK, "O_NONBLOCK"}, {O_DIRECT, "O_DIRECT"}, {0, nullptr}};
constexpr trace::FlagName kSocketTypes[] = {{SOCK_STREAM, "SOCK_STREAM", 0xf},
                                            {SOCK_DGRAM, "SOCK_DGRAM", 0xf},
                                            {SOCK_RAW, "SOCK_RAW", 0xf},
                                            {SOCK_SEQPACKET, "SOCK_SEQPACKET", 0xf},
                                            {SOCK_CLOEXEC, "SOCK_CLOEXEC"},
                                            {SOCK_NONBLOCK, "SOCK_NONBLOCK"},
                                            {0, nullptr}};

constexpr CallInfo kPipe2{"pipe2", "pipe(2)"};
constexpr CallInfo kSocketpair{"socketpair", "socketpair(2)"};
constexpr CallInfo kSocket{"socket", "socket(2)"};
constexpr CallInfo kBind{"bind", "bind(2)"};
constexpr CallInfo kListen{"listen", "listen(2)"};
constexpr CallInfo kAccept{"accept4", "accept(2)"};
constexpr CallInfo kConnect{"connect", "connect(2)"};
constexpr CallInfo kSendmsg{"sendmsg", "sendmsg(2)"};
constexpr CallInfo kRecvmsg{"recvmsg", "recvmsg(2)"};
constexpr CallInfo kPoll{"ppoll", "poll(2)"};
constexpr CallInfo kSignalfd{"signalfd4", "signalfd(2)"};
constexpr CallInfo kIoctl{"ioctl", "ioctl(2)"};

/// Room for the control message that carries descriptors, aligned as the kernel wants it.
union FdControl {
  struct cmsghdr header;
  char room[CMSG_SPACE(sizeof(int) * Received::kMaxFds)];
};

template <class MakePair>
Result<FdPair> pair_of(const CallInfo& call, MakePair make) noexcept {
  int both[2] = {-1, -1};
  const Answer answer = make(both);
  if (answer.error != 0) return Result<FdPair>::failure(call, answer.error);
  return {call, FdPair{UniqueFd(both[0]), UniqueFd(both[1])}};
}

void take_descriptors(struct msghdr& message, Received& received) noexcept {
  for (struct cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count && received.fd_count < Received::kMaxFds; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
      received.fds[received.fd_count++] = UniqueFd(descriptor);
    }
  }
}

}  // namespace

Result<FdPair> pipe2(int how) noexcept {
  how |= O_CLOEXEC;
  return pair_of(kPipe2, [&](int* both) {
    return traced(
        kPipe2, [&] { return invoke(SYS_pipe2, both, how); },
        flags(kPipeFlags, static_cast<unsigned>(how)));
  });
}

Result<FdPair> socketpair(int type) noexcept {
  type |= SOCK_CLOEXEC;
  return pair_of(kSocketpair, [&](int* both) {
    return traced(
        kSocketpair, [&] { return invoke(SYS_socketpair, AF_UNIX, type, 0, both); },
        text("AF_UNIX"), flags(kSocketTypes, static_cast<unsigned>(type)), number(0));
  });
}

Result<UniqueFd> socket(int domain, int type, int protocol) noexcept {
  type |= SOCK_CLOEXEC;
  return owning(kSocket, traced(
                             kSocket, [&] { return invoke(SYS_socket, domain, type, protocol); },
                             number(domain), flags(kSocketTypes, static_cast<unsigned>(type)),
                             number(protocol)));
}

Result<> bind(int file, const struct sockaddr* address, socklen_t size) noexcept {
  return done(kBind,
              traced(kBind, [&] { return invoke(SYS_bind, file, address, size); }, fd(file)));
}

Result<> listen(int file, int backlog) noexcept {
  return done(kListen, traced(
                           kListen, [&] { return invoke(SYS_listen, file, backlog); }, fd(file),
                           number(backlog)));
}

Result<UniqueFd> accept(int file) noexcept {
  return owning(
      kAccept,
      traced(
          kAccept, [&] { return invoke_again(SYS_accept4, file, nullptr, nullptr, SOCK_CLOEXEC); },
          fd(file), flags(kSocketTypes, SOCK_CLOEXEC)));
}

Result<> connect(int file, const struct sockaddr* address, socklen_t size) noexcept {
  return done(kConnect,
              traced(kConnect, [&] { return invoke(SYS_connect, file, address, size); }, fd(file)));
}

Result<std::size_t> send(int file, const void* data, std::size_t size,
                         std::span<const int> fds) noexcept {
  if (fds.size() > Received::kMaxFds) return Result<std::size_t>::failure(kSendmsg, EINVAL);
  struct iovec part{const_cast<void*>(data), size};
  FdControl control{};
  struct msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  return yielding<std::size_t>(
      kSendmsg,
      traced(
          kSendmsg, [&] { return invoke_again(SYS_sendmsg, file, &message, MSG_NOSIGNAL); },
          fd(file), number(static_cast<std::int64_t>(size), "bytes"),
          number(static_cast<std::int64_t>(fds.size()), "fds")));
}

Result<Received> receive(int file, void* buffer, std::size_t size) noexcept {
  struct iovec part{buffer, size};
  FdControl control{};
  struct msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof(control);
  const Answer answer = traced(
      kRecvmsg, [&] { return invoke_again(SYS_recvmsg, file, &message, MSG_CMSG_CLOEXEC); },
      fd(file), number(static_cast<std::int64_t>(size), "room"));
  if (answer.error != 0) return Result<Received>::failure(kRecvmsg, answer.error);
  Received received;
  received.size = static_cast<std::size_t>(answer.value);
  received.truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  take_descriptors(message, received);
  return {kRecvmsg, std::move(received)};
}

Result<int> poll(std::span<struct pollfd> fds, int timeout_ms) noexcept {
  struct timespec limit{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  return yielding<int>(kPoll, traced(
                                  kPoll,
                                  [&] {
                                    return invoke(SYS_ppoll, fds.data(), fds.size(),
                                                  timeout_ms < 0 ? nullptr : &limit, nullptr, 0);
                                  },
                                  number(static_cast<std::int64_t>(fds.size()), "fds"),
                                  number(timeout_ms, "timeout_ms")));
}

Result<UniqueFd> signalfd(const sigset_t& mask) noexcept {
  return owning(kSignalfd, traced(kSignalfd, [&] {
                  return invoke(SYS_signalfd4, -1, &mask, kKernelSigsetSize,
                                SFD_CLOEXEC | SFD_NONBLOCK);
                }));
}

Result<int> ioctl(int file, unsigned long request, const char* name, void* argument) noexcept {
  return yielding<int>(
      kIoctl, traced(
                  kIoctl, [&] { return invoke(SYS_ioctl, file, request, argument); }, fd(file),
                  text(name)));
}

Result<int> ioctl_number(int file, unsigned long request, const char* name,
                         long argument) noexcept {
  return yielding<int>(
      kIoctl, traced(
                  kIoctl, [&] { return invoke(SYS_ioctl, file, request, argument); }, fd(file),
                  text(name), number(argument)));
}

Result<struct termios> tcgetattr(int file) noexcept {
  struct termios settings{};
  // glibc's struct is longer than the kernel's, so the libc function must translate.
  const Answer answer = traced(
      kIoctl,
      [&]() -> Answer {
        const int value = ::tcgetattr(file, &settings);
        return {value, value == 0 ? 0 : errno};
      },
      fd(file), text("TCGETS"));
  return filling(kIoctl, answer, settings);
}

Result<> tcsetattr(int file, const struct termios& settings) noexcept {
  return done(kIoctl, traced(
                          kIoctl,
                          [&]() -> Answer {
                            const int value = ::tcsetattr(file, TCSANOW, &settings);
                            return {value, value == 0 ? 0 : errno};
                          },
                          fd(file), text("TCSETS")));
}

Result<struct winsize> window_size(int file) noexcept {
  struct winsize size{};
  const Result<int> result = ioctl(file, TIOCGWINSZ, "TIOCGWINSZ", &size);
  if (!result) return Result<struct winsize>::failure(kIoctl, result.error());
  return {kIoctl, size};
}

Result<> set_window_size(int file, const struct winsize& size) noexcept {
  struct winsize copy = size;
  const Result<int> result = ioctl(file, TIOCSWINSZ, "TIOCSWINSZ", &copy);
  return result ? Result<>(kIoctl) : Result<>::failure(kIoctl, result.error());
}

}  // namespace minidocker::sys
