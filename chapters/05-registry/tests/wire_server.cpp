#include "wire_server.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::registry {

bool WireConnection::fill() {
  char buffer[65536];
  const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  pending_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

std::string WireConnection::read_request() {
  std::size_t end = 0;
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return "";
  }
  std::string request = pending_.substr(0, end + 4);
  pending_.erase(0, end + 4);
  return request;
}

std::string WireConnection::read_body(std::size_t size) {
  while (pending_.size() < size && fill()) {
  }
  std::string body = pending_.substr(0, size);
  pending_.erase(0, size);
  return body;
}

void WireConnection::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void WireConnection::wait_for_end() {
  while (fill()) pending_.clear();
}

WireServer::WireServer(Serve serve, std::uint16_t port) : serve_(std::move(serve)) {
  listener_ = sys::socket(AF_INET, SOCK_STREAM, 0).or_throw("listener");
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<struct sockaddr*>(&address);
  sys::bind(listener_.get(), any, size).or_throw("127.0.0.1");
  sys::listen(listener_.get(), 16).or_throw("127.0.0.1");
  ::getsockname(listener_.get(), any, &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept_all(); });
}

WireServer::~WireServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    const MutexLock lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  threads_.clear();
}

void WireServer::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++count_;
    {
      const MutexLock lock(mutex_);
      open_.push_back(fd);
    }
    threads_.emplace_back([this, fd] { this->serve(fd); });
  }
}

void WireServer::serve(int fd) {
  WireConnection connection(fd);
  serve_(connection);
  const MutexLock lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

std::string http_answer(std::string_view body, std::string_view headers, std::string_view status) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), headers,
                     body);
}

}  // namespace minidocker::registry
