#pragma once
/// \file
/// Who answers what: by method and path.

#include <string>
#include <string_view>
#include <vector>

#include "minidocker/http/message.hpp"

namespace minidocker::http {

/// Routes in the order in which they were added; the first that fits answers. Once it serves it is
/// only read.
class Router {
 public:
  /// `pattern` is a path. `{x}` stands for one part of it, `{x...}` for one or more, slashes
  /// between them; there may be one of the latter. No part that is matched is empty. A GET answers
  /// HEAD, too. Throws invalid_argument for a pattern that makes no sense.
  void add(std::string method, std::string_view pattern, Handler handler);

  /// Sets the request's parameters and calls the handler. Throws StatusError: 404 for a path that
  /// no route has, 405 with Allow for a method that none of its routes has; and what the handler
  /// throws.
  [[nodiscard]] Answer answer(Request& request) const;

 private:
  struct Part {
    enum class Kind { literal, one, many } kind;
    std::string text;  // the literal, or the parameter's name
  };
  struct Route {
    std::string method;
    std::vector<Part> parts;
    Handler handler;
  };
  static Part parse_part(std::string_view text);
  static bool matches(const Route& route, Request& request);
  std::vector<Route> routes_;
};

}  // namespace minidocker::http
