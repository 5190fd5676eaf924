#include "minidocker/security/socket_filter.hpp"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/identity.hpp"

namespace minidocker::security {
namespace {

// What socket(2) says: 0, or the errno.
int error_of_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  ::close(fd);
  return 0;
}

void limited(Sockets allowed, const std::function<void()>& body) {
  testing::in_child([&] {
    sys::set_no_new_privs().or_throw();
    limit_sockets(allowed);
    body();
  });
}

TEST(SocketFilter, RefusesAllSockets) {
  limited(Sockets::none, [] {
    for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK}) {
      EXPECT_EQ(EACCES, error_of_socket(family)) << family;
    }
  });
}

TEST(SocketFilter, LeavesThoseOfTheInternet) {
  limited(Sockets::internet, [] {
    EXPECT_EQ(0, error_of_socket(AF_INET));
    EXPECT_NE(EACCES, error_of_socket(AF_INET6));  // a kernel may have none
    for (const int family : {AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK}) {
      EXPECT_EQ(EACCES, error_of_socket(family)) << family;
    }
  });
}

TEST(SocketFilter, HoldsForThreadsToCome) {
  limited(Sockets::none, [] { std::jthread([] { EXPECT_EQ(EACCES, error_of_socket(AF_INET)); }); });
}

TEST(SocketFilter, HasNoWayAround) {
  limited(Sockets::internet, [] {
    EXPECT_EQ(-1, ::syscall(SYS_io_uring_setup, 1, nullptr));
    EXPECT_EQ(EACCES, errno);
    // The kernel looks at 32 bits of the family, and so does the filter.
    const long family = AF_UNIX | (1L << 32);
    EXPECT_EQ(-1, ::syscall(SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(EACCES, errno);
#if defined(__x86_64__)
    EXPECT_EQ(-1,
              ::syscall(0x4000'0000 | SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));  // x32
    EXPECT_EQ(EACCES, errno);
#endif
  });
}

}  // namespace
}  // namespace minidocker::security
