#include "minidocker/shim/protocol.hpp"

#include <fcntl.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "codec.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"

namespace minidocker::shim {
namespace {

/// Longer than any message: a Start names at most a few hundred layer directories.
constexpr std::size_t kMessageBytes = 256 * 1024;
constexpr const char* kExitRecord = "/exit.json";

void send_text(int socket, const std::string& text, std::span<const int> fds = {}) {
  sys::send(socket, text.data(), text.size(), fds).or_throw("shim's socket");
}

struct Message {
  std::string text;
  sys::Received received;
};

std::optional<Message> receive(int socket) {
  Message message;
  message.text.resize(kMessageBytes);
  sys::Result<sys::Received> result =
      sys::receive(socket, message.text.data(), message.text.size());
  if (!result.ok() && result.error() == ECONNRESET) return std::nullopt;  // gone with unread words
  message.received = std::move(result).or_throw("shim's socket");
  if (message.received.size == 0) return std::nullopt;
  if (message.received.truncated) {
    throw Error(ErrorKind::invalid_argument, "shim: a message is longer than 256 KiB");
  }
  message.text.resize(message.received.size);
  return message;
}

void take_fds(sys::Received& received, Start& start) {
  const std::size_t expected = start.explain ? 5 : 4;
  if (received.fd_count != expected) {
    throw Error(ErrorKind::invalid_argument, "shim: `start` came without its descriptors");
  }
  start.fds.spec = std::move(received.fds[0]);
  start.fds.in = std::move(received.fds[1]);
  start.fds.out = std::move(received.fds[2]);
  start.fds.err = std::move(received.fds[3]);
  if (start.explain) start.fds.trace = std::move(received.fds[4]);
}

/// sun_path holds 107 bytes and state directories are deeper: the socket is named through a
/// descriptor of its directory.
struct ControlAddress {
  UniqueFd directory;
  struct sockaddr_un address{};

  explicit ControlAddress(const std::string& path)
      : directory(sys::open(path.c_str(), O_PATH | O_DIRECTORY).or_throw(path)) {
    address.sun_family = AF_UNIX;
    const std::string name = std::string(FdPath(directory.get()).c_str()) + "/ctl";
    std::copy(name.begin(), name.end(), address.sun_path);
  }
  [[nodiscard]] const struct sockaddr* get() const {
    return reinterpret_cast<const struct sockaddr*>(&address);
  }
};

}  // namespace

void send(int socket, const Start& start) {
  std::vector<int> fds{start.fds.spec.get(), start.fds.in.get(), start.fds.out.get(),
                       start.fds.err.get()};
  if (start.explain) fds.push_back(start.fds.trace.get());
  send_text(socket, encode(start), fds);
}
void send(int socket, const Resize& resize) { send_text(socket, encode(resize)); }
void send(int socket, const Signal& signal) { send_text(socket, encode(signal)); }
void send(int socket, const Event& event) { send_text(socket, encode(event)); }

std::optional<Request> receive_request(int socket) {
  std::optional<Message> message = receive(socket);
  if (!message) return std::nullopt;
  Request request = decode_request(message->text);
  if (auto* start = std::get_if<Start>(&request)) take_fds(message->received, *start);
  return request;
}

std::optional<Event> receive_event(int socket) {
  const std::optional<Message> message = receive(socket);
  if (!message) return std::nullopt;
  return decode_event(message->text);
}

void write_exit_record(const std::string& directory, const ExitRecord& record) {
  write_atomically(directory + kExitRecord, encode(record));
}

std::optional<ExitRecord> find_exit_record(const std::string& directory) {
  const std::optional<std::string> text = find_file(directory + kExitRecord);
  if (!text) return std::nullopt;
  return decode_exit_record(*text);
}

std::optional<UniqueFd> connect(const std::string& directory) {
  if (!exists(directory)) return std::nullopt;
  const ControlAddress address(directory);
  UniqueFd socket = sys::socket(AF_UNIX, SOCK_SEQPACKET, 0).or_throw("shim's control socket");
  sys::Result<> connected = sys::connect(socket.get(), address.get(), sizeof(sockaddr_un));
  if (connected.error() == ENOENT || connected.error() == ECONNREFUSED) return std::nullopt;
  std::move(connected).or_throw(directory + "/ctl");
  return socket;
}

UniqueFd listen(const std::string& directory) {
  const ControlAddress address(directory);
  UniqueFd socket = sys::socket(AF_UNIX, SOCK_SEQPACKET, 0).or_throw("shim's control socket");
  sys::bind(socket.get(), address.get(), sizeof(sockaddr_un)).or_throw(directory + "/ctl");
  sys::listen(socket.get(), 16).or_throw(directory + "/ctl");
  return socket;
}

}  // namespace minidocker::shim
