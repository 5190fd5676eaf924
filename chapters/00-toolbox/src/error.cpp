#include "minidocker/toolbox/error.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "minidocker/toolbox/result.hpp"

namespace minidocker {
namespace {

std::string system_message(std::string_view operation, std::string_view object, int error,
                           std::string_view hint) {
  std::string message(operation);
  if (!object.empty()) message += fmt::format("({})", object);
  message += fmt::format(": {} ({})", errno_words(error), errno_name(error));
  if (!hint.empty()) message += fmt::format("; hint: {}", hint);
  return message;
}

}  // namespace

SystemError::SystemError(std::string_view operation, std::string_view object, int error,
                         std::string_view hint)
    : Error(errno_kind(error), system_message(operation, object, error, hint)), code_(error) {}

std::string errno_name(int error) {
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? name : fmt::format("errno {}", error);
}

std::string errno_words(int error) {
  const char* description = ::strerrordesc_np(error);
  if (description == nullptr) return fmt::format("unknown error {}", error);
  std::string words(description);
  // "RFS specific error" and "I/O error" keep their capitals, "Invalid argument" does not.
  const bool acronym = words.size() > 1 && words[1] >= 'A' && words[1] <= 'Z';
  if (!acronym && words[0] >= 'A' && words[0] <= 'Z' && words[1] != '/') {
    words[0] = static_cast<char>(words[0] - 'A' + 'a');
  }
  return words;
}

ErrorKind errno_kind(int error) noexcept {
  switch (error) {
    case ENOENT:
    case ESRCH:
    case ENXIO:
      return ErrorKind::not_found;
    case EEXIST:
    case EBUSY:
    case ENOTEMPTY:
      return ErrorKind::conflict;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case E2BIG:
      return ErrorKind::invalid_argument;
    case EPERM:
    case EACCES:
      return ErrorKind::permission;
    case ENOSYS:
    case EOPNOTSUPP:
    case ENODEV:
      return ErrorKind::unavailable;
    default:
      return ErrorKind::internal;
  }
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\{:03o}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

namespace sys {

void throw_failure(const CallInfo& call, int error, std::string_view object,
                   std::string_view hint) {
  throw SystemError(call.name, object, error, hint);
}

}  // namespace sys
}  // namespace minidocker
