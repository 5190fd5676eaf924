#pragma once
/// \file
/// The head of a request, read strictly: whatever two programs could read in two ways is refused,
/// as they would disagree about where the request ends.

#include <string_view>

#include "minidocker/http/message.hpp"

namespace minidocker::http {

/// What a head says.
struct RequestHead {
  Request request;                ///< with path and query; without the route's parameters
  bool is_chunked = false;        ///< a body in chunks follows; else one of `content_length`
  bool keeps_alive = true;        ///< may another request follow on this connection?
  bool expects_continue = false;  ///< does the client wait for 100 before it sends the body?
};

/// Takes a whole head, from the request line to the empty line (RFC 9112 sections 3 and 5). Throws
/// StatusError: 400, 417, 501 or 505.
[[nodiscard]] RequestHead parse_head(std::string_view head);

}  // namespace minidocker::http
