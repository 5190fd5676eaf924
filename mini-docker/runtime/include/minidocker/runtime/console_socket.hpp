#pragma once
/// \file
/// Handing a descriptor to whoever listens on a UNIX socket: a terminal's master side (runc's
/// --console-socket), the container's pidfd (--pidfd-socket).

#include <string>
#include <string_view>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::runtime {

/// Connects to the stream socket at `path`, however long; `what` names it in errors, e.g. "console
/// socket". Throws SystemError.
[[nodiscard]] UniqueFd connect_socket(std::string_view what, const std::string& path);
/// Sends `master` in one message with the payload "/dev/ptmx", as runc does. Throws SystemError.
void send_console(int socket, int master);
/// Sends `pidfd` in one message with the payload "standard", runc's word for a container's first
/// process. Throws SystemError.
void send_pidfd(int socket, int pidfd);

}  // namespace minidocker::runtime
