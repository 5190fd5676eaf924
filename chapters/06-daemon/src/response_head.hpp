#pragma once
/// \file
/// Status line and headers of an answer, as they are sent.

#include <string>

#include "minidocker/http/message.hpp"

namespace minidocker::http {

/// What follows an answer on its connection.
enum class ThenWhat { another_request, the_end };

/// From the status line to the empty line. Throws internal for a header that would not be one: a
/// line break in it would let whoever chose its value write the rest of the answer.
[[nodiscard]] std::string head_of(const Response& response, ThenWhat then);

}  // namespace minidocker::http
