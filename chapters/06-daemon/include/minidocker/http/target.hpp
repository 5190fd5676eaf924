#pragma once
/// \file
/// The target of a request, taken apart (RFC 9112 section 3.2, RFC 3986).

#include <string>
#include <string_view>
#include <vector>

#include "minidocker/http/message.hpp"

namespace minidocker::http {

/// Sets path and query of `request` from its target: `/a/b?c=d`, or `http://host/a/b?c=d`, which
/// only proxies are sent but everybody must understand. Escapes are decoded once, after the path
/// was split. Throws StatusError(400) for anything else, a NUL byte, or an escape that is none.
void parse_target(Request& request);

/// The parts of `/a/b`, decoded: {"a", "b"}; `/a/` ends with an empty one. Throws StatusError(400).
[[nodiscard]] std::vector<std::string> split_path(std::string_view path);

/// Where an escaped text stands.
enum class Escapes {
  path,   ///< `+` is itself
  query,  ///< `+` is a blank
};
/// `text` with `%41` decoded. Throws StatusError(400).
[[nodiscard]] std::string decode(std::string_view text, Escapes escapes);

/// The way back: all but letters, digits and `-._~` escaped, so that it is one part of a path, or
/// one value of a query.
[[nodiscard]] std::string encode(std::string_view text);

}  // namespace minidocker::http
