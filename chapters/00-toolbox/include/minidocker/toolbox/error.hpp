#pragma once
/// \file
/// The one family of exceptions, and how an errno is put into words.

#include <stdexcept>
#include <string>
#include <string_view>

namespace minidocker {

/// What kind of trouble it is, as a caller would sort it. The daemon maps it to an HTTP status;
/// exit codes do not follow it (a program knows its own).
enum class ErrorKind {
  not_found,         ///< the named object does not exist
  conflict,          ///< the object is in a state, or has a name, that forbids this
  invalid_argument,  ///< the request itself is wrong
  unavailable,       ///< this host, kernel or peer cannot do it
  permission,        ///< the caller may not do it
  internal,          ///< everything else
};

/// An error of the domain. The message is one line: what was tried, on what, why it failed, what
/// to do next.
class Error : public std::runtime_error {
 public:
  /// Takes the whole line as it will be shown.
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  /// How a caller would sort it.
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// A kernel call that failed: `operation(object): words of strerror (NAME); hint: what to do`.
/// The words are strerror's in lower case, as clients of OCI runtimes match on them.
class SystemError : public Error {
 public:
  /// `operation` is the call or step, `object` what it was tried on, already in words (may be
  /// empty), `error` the errno value, `hint` what the errno hides (may be empty).
  SystemError(std::string_view operation, std::string_view object, int error,
              std::string_view hint = {});

  /// The errno value.
  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  int code_;
};

/// `EINVAL` for 22; `errno 4711` for a number without a name (strerrorname_np(3)).
[[nodiscard]] std::string errno_name(int error);

/// strerror(3)'s words with a small first letter: `invalid argument`.
[[nodiscard]] std::string errno_words(int error);

/// The kind that an errno usually means: ENOENT is not_found, EPERM permission, and so on.
[[nodiscard]] ErrorKind errno_kind(int error) noexcept;

/// `"text"` with quotes, control characters and what is not UTF-8 escaped: safe to print whatever
/// it holds.
[[nodiscard]] std::string quoted(std::string_view text);
/// \name The same for other texts
///@{
/// Without these an unqualified call would find std::quoted, by the argument's namespace.
[[nodiscard]] inline std::string quoted(const std::string& text) {
  return quoted(std::string_view(text));
}
[[nodiscard]] inline std::string quoted(std::string& text) {
  return quoted(std::string_view(text));
}
[[nodiscard]] inline std::string quoted(const char* text) { return quoted(std::string_view(text)); }
///@}

}  // namespace minidocker
