#pragma once
/// \file
/// Errors as answers: one table from the kind of an error to a status, one form of body.

#include <exception>
#include <functional>
#include <string>
#include <string_view>

#include "minidocker/http/message.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::http {

/// An error that only HTTP knows: 405, 413, 416, ...
class StatusError : public Error {
 public:
  /// `status` and `headers` (Allow, for instance) of the answer; `message` for people.
  StatusError(int status, const std::string& message, Headers headers = {});
  [[nodiscard]] int status() const noexcept { return status_; }               ///< of the answer
  [[nodiscard]] const Headers& headers() const noexcept { return headers_; }  ///< of the answer

 private:
  int status_;
  Headers headers_;
};

/// The status that a kind of error means.
///
/// | kind             | status | |
/// |------------------|--------|-----------------------|
/// | not_found        | 404    |                       |
/// | conflict         | 409    |                       |
/// | invalid_argument | 400    |                       |
/// | permission       | 403    |                       |
/// | unavailable      | 503    |                       |
/// | internal         | 500    |                       |
[[nodiscard]] int status_of(ErrorKind kind) noexcept;

/// "Not Found" for 404; empty for a status that nobody knows.
[[nodiscard]] std::string_view reason_of(int status) noexcept;

/// Makes an answer of what was thrown. Never throws.
using Explain = std::function<Response(const std::exception_ptr&)>;

/// A line of plain text. Who serves an API brings the form which that has for errors.
[[nodiscard]] Response explain(const std::exception_ptr& error);

}  // namespace minidocker::http
