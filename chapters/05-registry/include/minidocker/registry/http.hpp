#pragma once
/// \file
/// The seam between what a registry is asked and how the question travels. Everything above it is
/// tested without a network; below it stands libcurl (curl_transport.hpp).

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::registry {

/// Names (in lower case in answers) and values, in their order.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// Bytes of an open file that shall be sent.
struct FilePart {
  int fd = -1;               ///< borrowed; read with pread(2)
  std::uint64_t offset = 0;  ///< first byte
  std::uint64_t size = 0;    ///< how many; the file must have them
};

/// Takes the body of an answer piece by piece; what it throws ends the transfer and comes out of
/// send().
using BodySink = std::function<void(std::string_view piece)>;

/// What an answer says before its body.
struct HttpResponse {
  int status = 0;    ///< 200, 404, ...
  Headers headers;   ///< names in lower case
  std::string body;  ///< whole, unless the request had a sink for it; at most kMaxBody bytes

  /// The first header of this name (lower case); empty if there is none.
  [[nodiscard]] std::string header(std::string_view name) const;
  /// Is it of the 200s?
  [[nodiscard]] bool is_success() const { return status >= 200 && status < 300; }
};

/// Most bytes of a body that is kept in memory.
inline constexpr std::size_t kMaxBody = std::size_t{4} * 1024 * 1024;
/// Most bytes of headers that are read.
inline constexpr std::size_t kMaxHeaders = std::size_t{64} * 1024;

/// One question.
struct HttpRequest {
  std::string method = "GET";    ///< as it is sent
  std::string url;               ///< absolute
  Headers headers;               ///< Host and Content-Length come by themselves
  std::string body;              ///< sent, unless `file` is
  std::optional<FilePart> file;  ///< sent as the body
  /// Called once, before the first piece, for an answer of the 200s; what it returns takes the
  /// body. Without one, or if it returns none, the body is kept.
  std::function<BodySink(const HttpResponse&)> on_success;
};

/// There was no whole answer, or one that says "not now".
class TransportError : public Error {
 public:
  /// What went wrong.
  enum class Cause : std::uint8_t {
    unreachable,  ///< no connection: name unknown, refused, no route
    no_tls,       ///< it does not speak TLS
    untrusted,    ///< its certificate, or ours, is not accepted
    cut,          ///< the connection ended, or stood still, before the answer was whole
    busy,         ///< a whole answer: too many requests, or a server that is out of order
    nonsense,     ///< no HTTP, or more than we are ready to read
  };
  /// `message` as for Error; `retry_after` as the server asked for it, zero if it did not.
  TransportError(Cause cause, const std::string& message, std::chrono::seconds retry_after = {})
      : Error(ErrorKind::unavailable, message), cause_(cause), retry_after_(retry_after) {}

  [[nodiscard]] Cause cause() const noexcept { return cause_; }  ///< what went wrong
  /// How long the server wants to be left alone.
  [[nodiscard]] std::chrono::seconds retry_after() const noexcept { return retry_after_; }

 private:
  Cause cause_;
  std::chrono::seconds retry_after_;
};

/// Asks one question and brings the answer. Any number of threads may ask at once.
class HttpTransport {
 public:
  HttpTransport() = default;
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;
  virtual ~HttpTransport() = default;
  /// Sends the request, once, and reads the whole answer, whatever its status; redirects are not
  /// followed. Throws TransportError.
  virtual HttpResponse send(const HttpRequest& request) = 0;
};

/// Time, as whoever waits between two attempts sees it.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  /// Lets `duration` pass.
  virtual void wait(std::chrono::milliseconds duration) = 0;
  /// The real one.
  static Clock& real();
};

}  // namespace minidocker::registry
