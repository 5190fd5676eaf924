#include "client.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "minidocker/toolbox/numbers.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::http {

namespace {

constexpr int kSeconds = 10;

UniqueFd connected(const Address& address) {
  const bool is_path = address.family == Address::Family::path;
  UniqueFd socket =
      sys::socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0).or_throw("test client");
  if (is_path) {
    struct sockaddr_un named{};
    named.sun_family = AF_UNIX;
    std::strncpy(named.sun_path, address.host.c_str(), sizeof(named.sun_path) - 1);
    sys::connect(socket.get(), reinterpret_cast<struct sockaddr*>(&named), sizeof(named))
        .or_throw(address.host);
  } else {
    struct sockaddr_in numbered{};
    numbered.sin_family = AF_INET;
    numbered.sin_port = htons(address.port);
    numbered.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sys::connect(socket.get(), reinterpret_cast<struct sockaddr*>(&numbered), sizeof(numbered))
        .or_throw(address.str());
  }
  const struct timeval limit{kSeconds, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  return socket;
}

}  // namespace

Client::Client(const Address& address) : socket_(connected(address)) {}

void Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::size_t Client::send_some(std::string_view bytes) const {
  std::size_t total = 0;
  while (total < bytes.size()) {
    const ssize_t sent =
        ::send(fd(), bytes.data() + total, bytes.size() - total, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) break;
    total += static_cast<std::size_t>(sent);
  }
  return total;
}

void Client::finish() const { ::shutdown(fd(), SHUT_WR); }

bool Client::fill() {
  char buffer[16384];
  const ssize_t got = ::recv(fd(), buffer, sizeof buffer, 0);
  if (got < 0 && errno == EAGAIN) throw std::runtime_error("the server says nothing");
  if (got <= 0) return false;
  pending_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

Reply Client::read_reply(std::string_view method) {
  Reply reply;
  std::size_t end = 0;
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return reply;
  }
  reply.head = pending_.substr(0, end + 4);
  pending_.erase(0, end + 4);
  reply.status = parse_number<int>(reply.head.substr(9, 3)).value_or(0);
  if (method == "HEAD" || reply.status == 204 || reply.status == 100) return reply;
  const std::size_t at = reply.head.find("Content-Length: ");
  if (at == std::string::npos) {
    reply.body = read_to_end();
    return reply;
  }
  const std::size_t digits = at + 16;
  const auto size =
      parse_number<std::size_t>(reply.head.substr(digits, reply.head.find('\r', digits) - digits));
  while (pending_.size() < size.value() && !reply.is_cut) reply.is_cut = !fill();
  reply.body = pending_.substr(0, *size);
  pending_.erase(0, *size);
  return reply;
}

Reply Client::ask(std::string_view request, std::string_view method) {
  send(request);
  return read_reply(method);
}

std::string Client::read_to_end() {
  while (fill()) {
  }
  return std::exchange(pending_, "");
}

}  // namespace minidocker::http
