#pragma once
/// \file
/// Joining namespaces that exist: by a path such as /proc/PID/ns/net, or all at once by a pidfd.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "minidocker/namespaces/inspect.hpp"
#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::namespaces {

/// Opens the namespace file at `path` and makes sure that it is one of `kind` (NS_GET_NSTYPE).
/// Throws SystemError if it cannot be opened, Error(invalid_argument) if it is no namespace or one
/// of another kind; the message names both kinds.
[[nodiscard]] UniqueFd open_namespace(const std::string& path, Kind kind);

/// A namespace that is to be joined.
struct NamespaceToJoin {
  Kind kind;  ///< what it is
  int fd;     ///< of open_namespace(), borrowed
};

/// In which order to join: positions in `wanted`. Joining a namespace needs CAP_SYS_ADMIN in the
/// user namespace that owns it, and who joins a user namespace has all capabilities there and none
/// left outside. So what our own user namespace owns comes first, then the user namespace, then
/// the rest; as given where none is among them. Throws SystemError.
[[nodiscard]] std::vector<std::size_t> join_order(std::span<const NamespaceToJoin> wanted);

/// A namespace to be joined and the user namespace that owns it (ioctl_ns(2) NS_GET_USERNS).
struct OwnedNamespace {
  Kind kind;                         ///< what it is
  std::optional<NamespaceId> owner;  ///< nothing: a user namespace outside of ours
};
/// The same for known owners; `own` is the user namespace that we are in.
[[nodiscard]] std::vector<std::size_t> join_order(std::span<const OwnedNamespace> wanted,
                                                  const NamespaceId& own);

/// Enters the namespace behind a descriptor of open_namespace(). A PID namespace is entered by the
/// *next child* only, not by the caller.
struct JoinNamespace {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "it shall share this namespace with those who are in it already"};
  int fd;     ///< the namespace, borrowed until the step has run
  Kind kind;  ///< what it is; the kernel checks once more
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Enters several namespaces of one process in a single call: all or none (setns(2) on a pidfd,
/// kernel 5.8). The kernel takes the user namespace first, as the others need its capabilities.
struct JoinProcess {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "it shall see the world as that process sees it"};
  int pidfd;            ///< the process, borrowed until the step has run
  std::uint64_t flags;  ///< CLONE_NEW* of the kinds to join
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::namespaces
