#pragma once
/// \file
/// Handing a terminal's master side to whoever listens on a UNIX socket (runc's --console-socket).

#include <string>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::runtime {

/// Connects to the stream socket at `path`, however long. Throws SystemError.
[[nodiscard]] UniqueFd connect_console_socket(const std::string& path);
/// Sends `master` in one message with the payload "/dev/ptmx", as runc does. Throws SystemError.
void send_console(int socket, int master);

}  // namespace minidocker::runtime
