#pragma once
/// \file
/// What registries say besides content: errors (OCI distribution-spec, "Error Codes"), rate limits,
/// ranges, pages.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/registry/http.hpp"

namespace minidocker::registry {

/// One error of an answer.
struct AnswerError {
  std::string code;     ///< "MANIFEST_UNKNOWN"
  std::string message;  ///< for people; may be empty
};

/// The errors of a body, at most 10; empty if it holds none, or is no JSON: a proxy may have
/// written it. Never throws.
[[nodiscard]] std::vector<AnswerError> errors_of(std::string_view body);

/// Throws what an answer that is no success means: not_found for 404, permission for 401 and 403,
/// TransportError (busy) for 429, 500, 502, 503 and 504, invalid_argument for other 400s, internal
/// else. `tried` says what was asked of whom: `pull busybox:latest from docker.io`.
[[noreturn]] void throw_answer(const HttpResponse& response, std::string_view tried);

/// In words, of the headers of a 429 answer: how many requests are allowed, for whom, when again.
[[nodiscard]] std::string explain_rate_limit(const HttpResponse& response);

/// `Content-Range: bytes 5-9/10`, or `0-9` as uploads have it.
struct ContentRange {
  std::uint64_t first = 0;            ///< first byte
  std::uint64_t last = 0;             ///< last byte, included
  std::optional<std::uint64_t> size;  ///< of the whole; nothing if it is not told
};
/// Parses it; nothing if it is anything else.
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view value);

/// The target of `Link: <...>; rel="next"`; nothing if there is none.
[[nodiscard]] std::optional<std::string> next_page(std::string_view link);

/// `Retry-After` in seconds; zero if it is missing or a date. At most an hour.
[[nodiscard]] std::chrono::seconds retry_after(const HttpResponse& response);

}  // namespace minidocker::registry
