#include "minidocker/runtime/console_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string_view>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::runtime {
namespace {

void send_fd(int socket, std::string_view payload, int fd, std::string_view what) {
  const int fds[] = {fd};
  sys::send(socket, payload.data(), payload.size(), fds).or_throw(what);
}

}  // namespace

UniqueFd connect_socket(std::string_view what, const std::string& path) {
  // sun_path holds 107 bytes, paths in build trees are longer: by descriptor they always fit.
  const UniqueFd file = sys::open(path.c_str(), O_PATH).or_throw(quoted(path));
  const FdPath in_proc(file.get());
  const std::string_view short_path = in_proc.c_str();
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  short_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  UniqueFd socket = sys::socket(AF_UNIX, SOCK_STREAM, 0).or_throw("AF_UNIX");
  sys::connect(socket.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof(address))
      .or_throw(fmt::format("{} {}", what, quoted(path)),
                "somebody must listen there before the container is created");
  return socket;
}

void send_console(int socket, int master) { send_fd(socket, "/dev/ptmx", master, "the terminal"); }

void send_pidfd(int socket, int pidfd) { send_fd(socket, "standard", pidfd, "the pidfd"); }

}  // namespace minidocker::runtime
