#pragma once
/// \file
/// A server on the loopback interface that sends whatever bytes the test wants, whole answers and
/// broken ones.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "minidocker/toolbox/mutex.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::registry {

/// One connection, as the server sees it.
class WireConnection {
 public:
  explicit WireConnection(int fd) : fd_(fd) {}
  /// The next request, up to the end of its headers; empty at the end of the connection.
  std::string read_request();
  /// Exactly `size` bytes of a body.
  std::string read_body(std::size_t size);
  /// Sends bytes; a peer that is gone is no error.
  void write(std::string_view bytes) const;
  /// Waits until the peer closes the connection.
  void wait_for_end();

 private:
  bool fill();
  int fd_;
  std::string pending_;
};

/// Serves each connection in a thread of its own, from its birth to its end.
class WireServer {
 public:
  using Serve = std::function<void(WireConnection&)>;
  /// `port` 0: any that is free.
  explicit WireServer(Serve serve, std::uint16_t port = 0);
  WireServer(const WireServer&) = delete;
  WireServer& operator=(const WireServer&) = delete;
  ~WireServer();

  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url() const { return "http://" + host(); }
  [[nodiscard]] int connections() const { return count_; }  ///< so far

 private:
  void accept_all();
  void serve(int fd);

  Serve serve_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> count_ = 0;
  Mutex mutex_;
  std::vector<int> open_ MD_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;  // of accept_all only
  std::jthread acceptor_;
};

/// `HTTP/1.1 200 OK` with this body and its length.
[[nodiscard]] std::string http_answer(std::string_view body, std::string_view headers = "",
                                      std::string_view status = "200 OK");

}  // namespace minidocker::registry
