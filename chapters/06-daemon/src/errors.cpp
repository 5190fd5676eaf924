#include "minidocker/http/errors.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace minidocker::http {

namespace {

ErrorKind kind_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorKind::permission;
    case 404:
      return ErrorKind::not_found;
    case 409:
      return ErrorKind::conflict;
    case 503:
      return ErrorKind::unavailable;
    default:
      return status < 500 ? ErrorKind::invalid_argument : ErrorKind::internal;
  }
}

Response told(int status, std::string_view message, const Headers& headers = {}) {
  Response response{status, {{"Content-Type", "text/plain"}}, std::string(message) + "\n"};
  std::ranges::copy(headers, std::back_inserter(response.headers));
  return response;
}

}  // namespace

StatusError::StatusError(int status, const std::string& message, Headers headers)
    : Error(kind_of(status), message), status_(status), headers_(std::move(headers)) {}

int status_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::invalid_argument:
      return 400;
    case ErrorKind::permission:
      return 403;
    case ErrorKind::unavailable:
      return 503;
    case ErrorKind::internal:
      break;
  }
  return 500;
}

std::string_view reason_of(int status) noexcept {
  constexpr std::array kReasons{
      std::pair{100, "Continue"},
      std::pair{200, "OK"},
      std::pair{201, "Created"},
      std::pair{202, "Accepted"},
      std::pair{204, "No Content"},
      std::pair{206, "Partial Content"},
      std::pair{400, "Bad Request"},
      std::pair{401, "Unauthorized"},
      std::pair{403, "Forbidden"},
      std::pair{404, "Not Found"},
      std::pair{405, "Method Not Allowed"},
      std::pair{408, "Request Timeout"},
      std::pair{409, "Conflict"},
      std::pair{413, "Content Too Large"},
      std::pair{416, "Range Not Satisfiable"},
      std::pair{417, "Expectation Failed"},
      std::pair{429, "Too Many Requests"},
      std::pair{431, "Request Header Fields Too Large"},
      std::pair{500, "Internal Server Error"},
      std::pair{501, "Not Implemented"},
      std::pair{503, "Service Unavailable"},
      std::pair{505, "HTTP Version Not Supported"},
  };
  const auto* const found =
      std::ranges::find(kReasons, status, &std::pair<int, const char*>::first);
  return found == kReasons.end() ? "" : found->second;
}

Response explain(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const StatusError& failure) {
    return told(failure.status(), failure.what(), failure.headers());
  } catch (const Error& failure) {
    return told(status_of(failure.kind()), failure.what());
  } catch (const std::exception& failure) {
    return told(500, failure.what());
  }
}

}  // namespace minidocker::http
