#include "minidocker/toolbox/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
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

/// How long the character at the front of `text` is, if it is well-formed UTF-8 beyond ASCII and no
/// control character (U+0080 to U+009F), which terminals obey; else 0.
std::size_t length_of_utf8(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < size) return 0;
  std::uint32_t point = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
    point = point << 6 | (byte(i) & 0x3fU);
  }
  // What fits into fewer bytes must not be written with more.
  constexpr std::array<std::uint32_t, 5> kLowest{0, 0, 0xa0, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  return point < kLowest[size] || surrogate || point > 0x10ffff ? 0 : size;
}

/// How many bytes at the front of `text` can be printed as they are: one character, or none.
std::size_t length_of_printable(std::string_view text) noexcept {
  const char c = text.front();
  if (c >= ' ' && c < 0x7f) return c == '"' || c == '\\' ? 0 : 1;
  return length_of_utf8(text);
}

std::string escaped(char c) {
  if (c == '"' || c == '\\') return {'\\', c};
  if (c == '\n') return "\\n";
  if (c == '\t') return "\\t";
  return fmt::format("\\{:03o}", static_cast<unsigned char>(c));
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
  while (!text.empty()) {
    const std::size_t size = length_of_printable(text);
    if (size > 0) {
      out += text.substr(0, size);
    } else {
      out += escaped(text.front());
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
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
