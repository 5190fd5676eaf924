#include "minidocker/http/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/numbers.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::http {

namespace {

constexpr std::string_view kUnix = "unix:";

/// An address as the kernel takes it.
struct SocketAddress {
  struct sockaddr_storage storage{};
  socklen_t size = 0;
  UniqueFd parent;  // of a socket in the file system: its name is below this descriptor

  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] struct sockaddr* get() { return reinterpret_cast<struct sockaddr*>(&storage); }
};

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("address {}: must be like 127.0.0.1:5000, [::1]:5000, :5000 or unix:PATH",
                          quoted(text)));
}

bool is_ip6(const std::string& host) { return host.find(':') != std::string::npos; }

// Only 107 bytes fit, fewer than many a path has; of a directory that is open only its number.
SocketAddress unix_address(const std::string& path) {
  SocketAddress address;
  const std::size_t slash = path.rfind('/');
  const std::string parent = path.substr(0, slash + 1);
  address.parent = sys::open(parent.c_str(), O_PATH | O_DIRECTORY).or_throw(parent);
  const FdPath place(address.parent.get(), std::string_view(path).substr(slash + 1));
  struct sockaddr_un named{};
  named.sun_family = AF_UNIX;
  const std::size_t size = std::strlen(place.c_str());
  if (slash + 1 == path.size() || size >= sizeof(named.sun_path)) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("socket {}: its name must have 1 to 80 bytes", quoted(path)));
  }
  std::memcpy(named.sun_path, place.c_str(), size);
  std::memcpy(&address.storage, &named, sizeof(named));
  address.size = sizeof(named);
  return address;
}

SocketAddress tcp_address(const Address& wanted) {
  SocketAddress address;
  if (is_ip6(wanted.host)) {
    struct sockaddr_in6 ip6{};
    ip6.sin6_family = AF_INET6;
    ip6.sin6_port = htons(wanted.port);
    if (::inet_pton(AF_INET6, wanted.host.c_str(), &ip6.sin6_addr) != 1) refuse(wanted.str());
    std::memcpy(&address.storage, &ip6, sizeof(ip6));
    address.size = sizeof(ip6);
  } else {
    struct sockaddr_in ip4{};
    ip4.sin_family = AF_INET;
    ip4.sin_port = htons(wanted.port);
    if (::inet_pton(AF_INET, wanted.host.c_str(), &ip4.sin_addr) != 1) refuse(wanted.str());
    std::memcpy(&address.storage, &ip4, sizeof(ip4));
    address.size = sizeof(ip4);
  }
  return address;
}

// The file of a socket stays when its owner dies. Any other file is not ours to remove.
void remove_dead(SocketAddress& address, const std::string& path) {
  const sys::Result<struct stat> status = sys::fstatat(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW);
  if (!status.ok() || !S_ISSOCK(status.value().st_mode)) return;
  const UniqueFd probe = sys::socket(AF_UNIX, SOCK_STREAM, 0).or_throw("unix socket");
  const sys::Result<> connected = sys::connect(probe.get(), address.get(), address.size);
  if (connected.ok()) {
    throw Error(ErrorKind::conflict, fmt::format("socket {}: somebody serves there", quoted(path)));
  }
  if (connected.error() == ECONNREFUSED) sys::unlink(path.c_str()).or_throw(path);
}

std::uint16_t port_of(int socket) {
  SocketAddress bound;
  bound.size = sizeof(bound.storage);
  if (::getsockname(socket, bound.get(), &bound.size) != 0) {
    throw SystemError("getsockname", "listener", errno);
  }
  // Both families have it at the same place.
  return ntohs(reinterpret_cast<const struct sockaddr_in*>(&bound.storage)->sin_port);
}

void bind_to(int socket, SocketAddress& address, const Address& wanted) {
  const bool is_unix = wanted.family == Address::Family::path;
  if (is_unix) remove_dead(address, wanted.host);
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Nobody may connect between bind and chmod: so the mode is there from the start.
  const mode_t before = is_unix ? sys::umask(0177).or_throw() : 0;
  sys::Result<> bound = sys::bind(socket, address.get(), address.size);
  if (is_unix) sys::umask(before).or_throw();
  std::move(bound).or_throw(wanted.str());
}

}  // namespace

Address Address::parse(std::string_view text) {
  if (text.starts_with(kUnix)) {
    const std::string path(text.substr(kUnix.size()));
    if (!path.starts_with('/')) refuse(text);
    return {Family::path, path, 0};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text);
  const std::optional<std::uint16_t> port = parse_number<std::uint16_t>(text.substr(colon + 1));
  std::string host(text.substr(0, colon));
  if (!port) refuse(text);
  if (host.empty()) host = "::";
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  Address address{Family::tcp, host, *port};
  static_cast<void>(tcp_address(address));
  return address;
}

std::string Address::str() const {
  if (family == Family::path) return fmt::format("{}{}", kUnix, host);
  return is_ip6(host) ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

bool Address::is_local() const {
  return family == Family::path || host == "::1" || host.starts_with("127.");
}

Listener listen_on(const Address& address) {
  const bool is_unix = address.family == Address::Family::path;
  SocketAddress place = is_unix ? unix_address(address.host) : tcp_address(address);
  Listener listener{
      sys::socket(place.family(), SOCK_STREAM | SOCK_NONBLOCK, 0).or_throw("listener"), address};
  bind_to(listener.socket.get(), place, address);
  sys::listen(listener.socket.get(), SOMAXCONN).or_throw(address.str());
  if (!is_unix) listener.address.port = port_of(listener.socket.get());
  return listener;
}

}  // namespace minidocker::http
