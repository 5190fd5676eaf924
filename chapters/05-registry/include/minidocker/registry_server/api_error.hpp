#pragma once
/// \file
/// Errors as the distribution specification names them (OCI distribution-spec, "Error Codes").

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "minidocker/http/errors.hpp"

namespace minidocker::registry_server {

/// An error with a code that clients look for.
class ApiError : public http::StatusError {
 public:
  /// `code` as the specification spells it: "BLOB_UNKNOWN". The rest as for StatusError.
  ApiError(int status, std::string_view code, const std::string& message,
           http::Headers headers = {})
      : StatusError(status, message, std::move(headers)), code_(code) {}
  [[nodiscard]] const std::string& code() const noexcept { return code_; }  ///< as given

 private:
  std::string code_;
};

/// Makes `{"errors":[{"code":...,"message":...}]}` of what was thrown. What is nobody's fault but
/// ours goes to `log`, whole, and to the client without our paths.
[[nodiscard]] http::Explain explain_to(std::function<void(std::string_view line)> log);

}  // namespace minidocker::registry_server
