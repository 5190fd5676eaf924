#include "minidocker/toolbox/sys/socket.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/pty.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

using testing::is_close_on_exec;

struct sockaddr_un address_of(const std::string& path) {
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

const struct sockaddr* generic(const struct sockaddr_un& address) {
  return reinterpret_cast<const struct sockaddr*>(&address);
}

TEST(SysSocket, PairsAreCloseOnExec) {
  const sys::FdPair pipe = sys::pipe2(O_NONBLOCK).or_throw("pipe");
  const sys::FdPair sockets = sys::socketpair(SOCK_STREAM).or_throw("sockets");
  for (const sys::FdPair* pair : {&pipe, &sockets}) {
    EXPECT_TRUE(is_close_on_exec(::getpid(), pair->first.get()));
    EXPECT_TRUE(is_close_on_exec(::getpid(), pair->second.get()));
  }
  char buffer[1];
  EXPECT_EQ(EAGAIN, sys::read(pipe.first.get(), buffer, 1).error());
}

TEST(SysSocket, PairsAreToldWithTheirFlags) {
  EXPECT_EQ("pipe2(O_CLOEXEC|O_NONBLOCK)\npipe2(O_CLOEXEC|0x1) = EINVAL", recorded([] {
              (void)sys::pipe2(O_NONBLOCK);
              (void)sys::pipe2(1);
            }));
  const std::string told = recorded([] { (void)sys::socketpair(SOCK_SEQPACKET); });
  EXPECT_NE(std::string::npos, told.find("SOCK_SEQPACKET|SOCK_CLOEXEC")) << told;
  EXPECT_NE(0, sys::socketpair(0xf).error());
}

TEST(SysSocket, AServerAcceptsAClient) {
  const TempDir temp;
  const struct sockaddr_un address = address_of(temp / "s");
  const UniqueFd server = sys::socket(AF_UNIX, SOCK_STREAM, 0).or_throw("server");
  const UniqueFd client = sys::socket(AF_UNIX, SOCK_STREAM, 0).or_throw("client");
  EXPECT_EQ(fmt::format("connect({1}) = ENOENT\nbind({0})\nbind({1}) = EADDRINUSE\nlisten({0}, 1)\n"
                        "connect({1})",
                        server.get(), client.get()),
            recorded([&] {
              (void)sys::connect(client.get(), generic(address), sizeof(address));
              (void)sys::bind(server.get(), generic(address), sizeof(address));
              (void)sys::bind(client.get(), generic(address), sizeof(address));
              (void)sys::listen(server.get(), 1);
              (void)sys::connect(client.get(), generic(address), sizeof(address));
            }));
  const UniqueFd peer = sys::accept(server.get()).or_throw("accept");
  EXPECT_TRUE(is_close_on_exec(::getpid(), peer.get()));
  EXPECT_TRUE(sys::send(peer.get(), "hi", 2).ok());
  ASSERT_EQ(0, ::shutdown(peer.get(), SHUT_WR));
  char buffer[8];
  EXPECT_EQ(2U, sys::receive(client.get(), buffer, sizeof(buffer)).or_throw("client").size);
  EXPECT_EQ(0U, sys::receive(client.get(), buffer, sizeof(buffer)).or_throw("client").size);
}

TEST(SysSocket, CallsOnWhatIsNoSocketAreRefused) {
  const Pipe pipe = Pipe::make();
  const int fd = pipe.read_end.get();
  EXPECT_EQ(fmt::format("listen({0}, 1) = ENOTSOCK\naccept4({0}, SOCK_CLOEXEC) = ENOTSOCK\n"
                        "sendmsg({0}, {{bytes=1, fds=0}}) = ENOTSOCK\n"
                        "recvmsg({0}, {{room=1}}) = ENOTSOCK",
                        fd),
            recorded([fd] {
              char buffer[1] = {};
              (void)sys::listen(fd, 1);
              (void)sys::accept(fd);
              (void)sys::send(fd, buffer, 1);
              (void)sys::receive(fd, buffer, 1);
            }));
  EXPECT_EQ(EAFNOSUPPORT, sys::socket(200, SOCK_STREAM, 0).error());
}

TEST(SysSocket, DescriptorsArriveCloseOnExec) {
  const SocketPair sockets = SocketPair::make();
  const Pipe pipe = Pipe::make();
  const std::vector<int> sent{pipe.read_end.get(), pipe.write_end.get()};
  EXPECT_EQ(1U, sys::send(sockets.ours.get(), "x", 1, sent).or_throw("send"));
  char buffer[4];
  const sys::Received received =
      sys::receive(sockets.theirs.get(), buffer, sizeof(buffer)).or_throw("receive");
  ASSERT_EQ(2U, received.fd_count);
  EXPECT_FALSE(received.truncated);
  EXPECT_TRUE(is_close_on_exec(::getpid(), received.fds[0].get()));
  EXPECT_TRUE(sys::write(received.fds[1].get(), "y", 1).ok());
  EXPECT_EQ(1U, sys::read(pipe.read_end.get(), buffer, 1).or_throw("pipe"));
}

TEST(SysSocket, MoreDescriptorsThanFitAreRefused) {
  const SocketPair sockets = SocketPair::make();
  const std::vector<int> many(sys::Received::kMaxFds + 1, sockets.ours.get());
  EXPECT_EQ(EINVAL, sys::send(sockets.ours.get(), "x", 1, many).error());
}

TEST(SysSocket, ALongMessageIsToldToBeCut) {
  const SocketPair sockets = SocketPair::make();
  EXPECT_TRUE(sys::send(sockets.ours.get(), "0123456789", 10).ok());
  char buffer[4];
  EXPECT_TRUE(sys::receive(sockets.theirs.get(), buffer, sizeof(buffer)).or_throw("r").truncated);
}

TEST(SysSocket, AReaderWhoIsGoneIsAnErrorAndNoSignal) {
  SocketPair sockets = SocketPair::make();
  sockets.theirs.reset();
  EXPECT_EQ(EPIPE, sys::send(sockets.ours.get(), "x", 1).error());
}

TEST(SysSocket, PollTellsWhatIsReady) {
  const Pipe pipe = Pipe::make();
  std::vector<struct pollfd> polls{{pipe.read_end.get(), POLLIN, 0}};
  EXPECT_EQ(0, sys::poll(polls, 0).or_throw("poll"));
  (void)sys::write(pipe.write_end.get(), "x", 1);
  EXPECT_EQ("ppoll({fds=1, timeout_ms=-1})", recorded([&polls] { (void)sys::poll(polls, -1); }));
  EXPECT_EQ(POLLIN, polls[0].revents);
}

TEST(SysSocket, PollIsInterruptedBySignals) {
  testing::in_child([] {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    ::ualarm(1000, 1000);
    EXPECT_EQ(EINTR, sys::poll({}, -1).error());
  });
}

TEST(SysSocket, SignalsAreReadAsData) {
  testing::in_child([] {
    sigset_t mask;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &mask, nullptr);
    UniqueFd signals;
    EXPECT_EQ("signalfd4()", recorded([&] { signals = sys::signalfd(mask).or_throw("signalfd"); }));
    EXPECT_TRUE(is_close_on_exec(::getpid(), signals.get()));
    struct signalfd_siginfo info{};
    EXPECT_EQ(EAGAIN, sys::read(signals.get(), &info, sizeof(info)).error());
    ::raise(SIGUSR1);
    EXPECT_TRUE(sys::read(signals.get(), &info, sizeof(info)).ok());
    EXPECT_EQ(std::uint32_t{SIGUSR1}, info.ssi_signo);
  });
}

TEST(SysSocket, TerminalSettingsAndSizeAreReadAndSet) {
  MD_NEEDS("tty");
  const Pty pty = Pty::open("/dev/ptmx").or_throw("/dev/ptmx");
  struct termios settings = sys::tcgetattr(pty.slave.get()).or_throw("slave");
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  EXPECT_TRUE(sys::tcsetattr(pty.slave.get(), settings).ok());
  EXPECT_EQ(0U, sys::tcgetattr(pty.slave.get()).or_throw("slave").c_lflag & ECHO);
  EXPECT_TRUE(sys::set_window_size(pty.master.get(), {40, 100, 0, 0}).ok());
  EXPECT_EQ(100, sys::window_size(pty.slave.get()).or_throw("slave").ws_col);
}

TEST(SysSocket, APipeIsNoTerminal) {
  const Pipe pipe = Pipe::make();
  EXPECT_EQ(fmt::format("ioctl({0}, \"TCGETS\") = ENOTTY\nioctl({0}, \"TCSETS\") = ENOTTY\n"
                        "ioctl({0}, \"TIOCGWINSZ\") = ENOTTY\nioctl({0}, \"TIOCSWINSZ\") = ENOTTY\n"
                        "ioctl({0}, \"TIOCSCTTY\", 1) = ENOTTY",
                        pipe.read_end.get()),
            recorded([fd = pipe.read_end.get()] {
              (void)sys::tcgetattr(fd);
              (void)sys::tcsetattr(fd, {});
              (void)sys::window_size(fd);
              (void)sys::set_window_size(fd, {});
              (void)sys::ioctl_number(fd, TIOCSCTTY, "TIOCSCTTY", 1);
            }));
}

}  // namespace
}  // namespace minidocker
