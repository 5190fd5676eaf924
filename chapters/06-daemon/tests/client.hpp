#pragma once
/// \file
/// A client that sends whatever bytes the test wants, and waits for answers with a deadline.

#include <string>
#include <string_view>

#include "minidocker/http/listener.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::http {

/// What came back.
struct Reply {
  int status = 0;       ///< 0: the connection ended before an answer
  std::string head;     ///< with the empty line
  std::string body;     ///< by its length; else, to the end of the connection, as it came
  bool is_cut = false;  ///< the connection ended within it
};

/// One connection.
class Client {
 public:
  explicit Client(const Address& address);
  /// Sends all of it; a server that has left is no error.
  void send(std::string_view bytes) const;
  /// Sends as much as the server takes without being waited for; how much that was.
  [[nodiscard]] std::size_t send_some(std::string_view bytes) const;
  /// The next answer; `method` as asked.
  [[nodiscard]] Reply read_reply(std::string_view method = "GET");
  /// send and read_reply.
  Reply ask(std::string_view request, std::string_view method = "GET");
  /// Everything until the server closes the connection; throws after ten seconds.
  [[nodiscard]] std::string read_to_end();
  /// No more will be sent.
  void finish() const;
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  bool fill();
  UniqueFd socket_;
  std::string pending_;
};

}  // namespace minidocker::http
