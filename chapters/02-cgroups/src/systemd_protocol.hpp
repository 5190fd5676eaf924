#pragma once
/// \file
/// What the runtime and mini-scope say to each other, over a SOCK_SEQPACKET socket that mini-scope
/// is started with as descriptor 3. One request, one answer:
///
/// | from       | message                | means                                               |
/// |------------|------------------------|-----------------------------------------------------|
/// | runtime    | `start` and its fields | have a scope made, and put the process into it      |
/// | runtime    | `set` and its fields   | give a scope that exists other properties           |
/// | mini-scope | `done`, group          | so it is; that is the scope's group, below the root |
/// | mini-scope | `failed`, kind, words  | so it is not, and why                               |
/// | mini-scope | end of file            | it died; nobody knows what systemd did              |
///
/// A message is text: fields that end with a newline, the parts of a property between tabs. Both
/// programs are of one build, so there are no versions.
///
/// Whoever dies in between leaves nothing: the process to be put into the scope is a child that
/// ends with the runtime, and systemd removes a scope in which nobody is left.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/cgroups/location.hpp"
#include "minidocker/toolbox/error.hpp"
#include "systemd_properties.hpp"

namespace minidocker::cgroups {

/// Where mini-scope finds its socket.
inline constexpr int kScopeSocketFd = 3;
/// The longest message: what a socket of this kind takes at once, with room to spare.
inline constexpr std::size_t kLongestScopeMessage = 64 * 1024;

/// What the runtime wants.
struct ScopeRequest {
  /// `start` or `set`.
  enum class Verb { start, set };
  Verb verb = Verb::start;            ///< what to do
  Manager manager = Manager::system;  ///< whom to ask; not nobody
  std::string unit;                   ///< "docker-web.scope"
  std::string slice;                  ///< start: where it lies
  pid_t pid = 0;                      ///< start: who goes in
  std::vector<Property> properties;   ///< of the unit

  /// The message.
  [[nodiscard]] std::string to_text() const;
  /// The inverse. Throws Error(invalid_argument).
  static ScopeRequest from_text(std::string_view text);
  bool operator==(const ScopeRequest&) const = default;  ///< member by member
};

/// What mini-scope answers.
struct ScopeAnswer {
  std::string group;                 ///< done: "/system.slice/docker-web.scope"
  std::optional<ErrorKind> failure;  ///< failed: the kind
  std::string words;                 ///< failed: why

  /// The message.
  [[nodiscard]] std::string to_text() const;
  /// The inverse. Throws Error(invalid_argument).
  static ScopeAnswer from_text(std::string_view text);
  bool operator==(const ScopeAnswer&) const = default;  ///< member by member
};

}  // namespace minidocker::cgroups
