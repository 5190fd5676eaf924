#pragma once
/// \file
/// Sockets on which a server waits for clients.

#include <cstdint>
#include <string>
#include <string_view>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::http {

/// Where a server can be reached.
struct Address {
  /// What kind of socket it is.
  enum class Family {
    tcp,  ///< a port of this machine
    path  ///< a UNIX socket, which has a name in the file system
  };
  Family family;           ///< which one
  std::string host;        ///< tcp: `127.0.0.1`, `::1`; or a path
  std::uint16_t port = 0;  ///< tcp; 0: any that is free

  /// `127.0.0.1:5000`, `[::1]:5000`, `localhost:5000` (127.0.0.1), `:5000` (all of this machine's
  /// addresses), or `unix:/run/x.sock`. Throws invalid_argument; names are not looked up.
  static Address parse(std::string_view text);
  [[nodiscard]] std::string str() const;  ///< as parse takes it
  /// Can nobody but this machine reach it?
  [[nodiscard]] bool is_local() const;
};

/// A listening socket, and where it is, whatever port was asked for.
struct Listener {
  UniqueFd socket;  ///< nonblocking
  Address address;  ///< its port is never 0
};

/// Listens. A UNIX socket is made with mode 0600; one that nobody listens on any more is replaced.
/// Throws SystemError, or conflict if somebody listens there.
[[nodiscard]] Listener listen_on(const Address& address);

}  // namespace minidocker::http
