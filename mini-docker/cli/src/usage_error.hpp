#pragma once
/// \file
/// The command line itself is wrong.

#include <stdexcept>
#include <string>

namespace minidocker::cli {

/// docker's client ends with 125 if a flag is wrong, with 1 if the number of arguments is.
class UsageError : public std::runtime_error {
 public:
  /// One line for the user, and the exit code.
  explicit UsageError(const std::string& message, int exit_code = 125)
      : std::runtime_error(message), exit_code_(exit_code) {}
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }  ///< 125 or 1

 private:
  int exit_code_;
};

}  // namespace minidocker::cli
