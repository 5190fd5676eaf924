#pragma once
/// \file
/// Which sockets a process may still make: a seccomp filter of a dozen instructions (seccomp(2);
/// Documentation/userspace-api/seccomp_filter.rst). Landlock does not guard sockets that have a
/// path: for root, `/run/docker.sock` is a way to everything.

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace minidocker::security {

/// Sockets that can still be made.
enum class Sockets : std::uint8_t {
  none,      ///< socket(2) is refused
  internet,  ///< AF_INET and AF_INET6 only
};

/// The filter: socket(2) of other families fails with EACCES, and so does io_uring_setup(2), as
/// rings make sockets without that call; a call of a foreign architecture kills.
[[nodiscard]] std::vector<struct sock_filter> socket_filter(Sockets allowed);

/// Puts the filter in force for this thread and those that it starts, for good. Sockets that are
/// open stay. Needs no_new_privs. Throws SystemError.
void limit_sockets(Sockets allowed);

}  // namespace minidocker::security
