#include "minidocker/registry_server/api_error.hpp"

#include <fmt/format.h>

#include <iterator>
#include <ranges>

#include <nlohmann/json.hpp>

#include "routes.hpp"

namespace minidocker::registry_server {

namespace {

http::Response told(int status, std::string_view code, std::string_view message,
                    const http::Headers& headers = {}) {
  using nlohmann::json;
  const json body{{"errors", {{{"code", code}, {"message", message}}}}};
  // A client's own bytes may stand in the message.
  http::Response response =
      json_response(status, body.dump(-1, ' ', false, json::error_handler_t::replace));
  response.headers.insert(response.headers.end(), headers.begin(), headers.end());
  return response;
}

// What the server of HTTP itself refuses.
std::string_view code_of(int status) {
  switch (status) {
    case 404:
      return "NAME_UNKNOWN";
    case 405:
    case 501:
      return "UNSUPPORTED";
    case 413:
      return "SIZE_INVALID";
    default:
      return "UNKNOWN";
  }
}

http::Response explain(const std::exception_ptr& error,
                       const std::function<void(std::string_view)>& log) {
  try {
    std::rethrow_exception(error);
  } catch (const ApiError& failure) {
    return told(failure.status(), failure.code(), failure.what(), failure.headers());
  } catch (const http::StatusError& failure) {
    return told(failure.status(), code_of(failure.status()), failure.what(), failure.headers());
  } catch (const std::exception& failure) {
    log(failure.what());
    return told(500, "UNKNOWN", "the registry failed; what it prints says why");
  }
}

}  // namespace

http::Explain explain_to(std::function<void(std::string_view line)> log) {
  return [log = std::move(log)](const std::exception_ptr& error) { return explain(error, log); };
}

}  // namespace minidocker::registry_server
