#include "minidocker/runtime/console_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::runtime {

UniqueFd connect_console_socket(const std::string& path) {
  // sun_path holds 107 bytes, paths in build trees are longer: by descriptor they always fit.
  const UniqueFd file = sys::open(path.c_str(), O_PATH).or_throw(quoted(path));
  const FdPath short_path(file.get());
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, short_path.c_str(), sizeof(address.sun_path) - 1);
  UniqueFd socket = sys::socket(AF_UNIX, SOCK_STREAM, 0).or_throw("AF_UNIX");
  sys::connect(socket.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof(address))
      .or_throw(fmt::format("console socket {}", quoted(path)),
                "somebody must listen there before the container is created");
  return socket;
}

void send_console(int socket, int master) {
  constexpr std::string_view kPayload = "/dev/ptmx";
  const int fds[] = {master};
  sys::send(socket, kPayload.data(), kPayload.size(), fds).or_throw("the terminal");
}

}  // namespace minidocker::runtime
