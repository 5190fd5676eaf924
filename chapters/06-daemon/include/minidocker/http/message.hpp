#pragma once
/// \file
/// What a server is asked and what it answers (RFC 9110), and where waiting ends and work begins.
///
/// A handler never waits for a client. It is called when the head of a request is there, and says
/// what shall be done about the body; the server waits for the body's pieces and hands them over:
///
/// ```
///   head ──> Handler ──> Response                       the body is not wanted
///                    └─> BodyReceiver: take(piece) ... finish() ──> Response
/// ```
/// Each of these calls is a bounded piece of work on one of few threads; between two of them a
/// client costs a few bytes and no thread, however slow it is.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::http {

/// Names and values, in their order.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first header of this name, whatever its case; nothing if there is none.
[[nodiscard]] std::optional<std::string> find_header(const Headers& headers, std::string_view name);

/// What a client asks: everything but the body.
struct Request {
  std::string method;                                          ///< "GET", as sent
  std::string target;                                          ///< "/v2/x?n=1", as sent
  std::vector<std::string> path;                               ///< {"v2", "x"}, decoded
  std::vector<std::pair<std::string, std::string>> query;      ///< {{"n", "1"}}, decoded
  Headers headers;                                             ///< names in lower case
  std::optional<std::uint64_t> content_length;                 ///< of the body, if it was told
  std::map<std::string, std::string, std::less<>> parameters;  ///< what the route's {...} matched

  /// What the route's `{name}` stands for here; the route must have it.
  [[nodiscard]] const std::string& parameter(std::string_view name) const;
  /// The first value of the query's `name`; nothing without it.
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
};

/// Bytes of an open file, sent by the kernel itself (sendfile(2)); `Range` is answered.
struct FileBody {
  UniqueFd file;             ///< a regular file
  std::uint64_t offset = 0;  ///< first byte
  std::uint64_t size = 0;    ///< how many
};

/// The two kinds of bodies.
using Body = std::variant<std::string, FileBody>;

/// An answer. Content-Length, Date and Connection come by themselves.
struct Response {
  int status = 200;  ///< RFC 9110 section 15
  Headers headers;   ///< must hold no line breaks
  Body body;         ///< none for 204; not sent for HEAD, though its length is
};

/// Takes a request's body. Its calls come one after the other, from any thread. One that is
/// destroyed without finish() was left alone by its client.
class BodyReceiver {
 public:
  BodyReceiver() = default;
  BodyReceiver(const BodyReceiver&) = delete;
  BodyReceiver& operator=(const BodyReceiver&) = delete;
  virtual ~BodyReceiver() = default;
  /// The next bytes, at least one. What it throws is the answer.
  virtual void take(std::string_view piece) = 0;
  /// That was all, and this is the answer. What it throws is the answer, too.
  virtual Response finish() = 0;
};

/// What a handler says: the answer, or who takes the body.
using Answer = std::variant<Response, std::unique_ptr<BodyReceiver>>;
/// Does bounded work, from any thread, several at once. The request lives until it is answered.
using Handler = std::function<Answer(const Request&)>;

/// A receiver that keeps a body of at most `limit` bytes and answers when it is whole. Throws
/// StatusError(413) for a larger one, at once if its length was told.
[[nodiscard]] std::unique_ptr<BodyReceiver> whole_body(
    const Request& request, std::size_t limit, std::function<Response(std::string body)> answer);

}  // namespace minidocker::http
