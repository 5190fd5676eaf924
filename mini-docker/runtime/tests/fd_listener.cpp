#include "fd_listener.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include <gtest/gtest.h>

namespace minidocker::runtime {

FdListener::FdListener(const std::string& path)
    : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)),
            0);
  EXPECT_EQ(::listen(listener_.get(), 1), 0);
}

UniqueFd FdListener::receive(std::string& payload) {
  const UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  char data[64];
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct iovec iov = {data, sizeof(data)};
  struct msghdr message = {};
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size = ::recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC);
  payload.assign(data, size > 0 ? static_cast<std::size_t>(size) : 0);
  const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return UniqueFd(fd);
}

}  // namespace minidocker::runtime
