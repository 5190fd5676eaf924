#pragma once
/// \file
/// A server of HTTP/1.1 (RFC 9112) on UNIX and TCP sockets.
///
/// One thread waits for all clients; a few others run the handlers. What it does about clients
/// that are slow, endless or gone:
///
/// | a client that ...                    | meets                                              |
/// |--------------------------------------|----------------------------------------------------|
/// | does not send its head               | 408 after `head_time`                              |
/// | sends or takes a body too slowly     | the end, when it has kept us waiting for           |
/// |                                      | `stall_time` and moved less than 64 KiB meanwhile  |
/// | is silent between two requests       | the end after `idle_time`                          |
/// | sends more head than 32 KiB          | 431                                                |
/// | is one more than `max_connections`   | nobody: it is not accepted before another one left |
/// | sends a body that nobody wants       | the answer, then the end after `linger_time`       |

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <vector>

#include "minidocker/http/errors.hpp"
#include "minidocker/http/listener.hpp"
#include "minidocker/http/router.hpp"

namespace minidocker::http {

/// How much of everything.
struct ServerOptions {
  std::chrono::milliseconds head_time{10'000};   ///< for a whole head
  std::chrono::milliseconds stall_time{20'000};  ///< of waiting for 64 KiB of a body
  std::chrono::milliseconds idle_time{60'000};   ///< between two requests
  std::chrono::milliseconds linger_time{2'000};  ///< for what an unwanted body has on its way
  std::chrono::milliseconds grace{10'000};       ///< for answers that are under way at a stop
  std::size_t max_connections = 256;  ///< at a time; with a file each, half of 1024 descriptors
  unsigned workers = 4;               ///< threads that run handlers
  Explain explain = http::explain;    ///< the form of errors
};

/// Serves until `stop` is requested: then it accepts nobody, ends what is idle, lets answers that
/// are under way come to their end within `grace`, and returns. SIGPIPE is ignored from then on.
/// Throws SystemError if it cannot begin.
void serve(std::vector<Listener> listeners, const Router& router, const ServerOptions& options,
           const std::stop_token& stop);

}  // namespace minidocker::http
