#pragma once
/// \file
/// Who is in which namespace, seen from outside: the inodes behind /proc/PID/ns, and the numbers
/// a process has in its nested PID namespaces.

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/namespaces/kinds.hpp"

namespace minidocker::namespaces {

/// A namespace's identity: two processes share it if and only if both numbers are equal
/// (namespaces(7)). The kernel may reuse the inode once a namespace is gone.
struct NamespaceId {
  dev_t dev = 0;                                         ///< of the kernel's nsfs
  ino_t ino = 0;                                         ///< what `readlink` shows in brackets
  auto operator<=>(const NamespaceId&) const = default;  ///< any order, for maps
};

/// The namespace of that kind that `pid` is in; 0 means ourselves. Needs the right to ptrace(2)
/// the process. Throws SystemError (ENOENT: no such process; EACCES, EPERM: may not look).
[[nodiscard]] NamespaceId identify(pid_t pid, Kind kind);

/// The same for a process that may be gone, or that we may not look at: nothing then.
[[nodiscard]] std::optional<NamespaceId> find_namespace(pid_t pid, Kind kind);

/// The kinds of namespace that `pid` does not share with us: their CLONE_NEW* flags. Throws
/// SystemError.
[[nodiscard]] std::uint64_t differing_kinds(pid_t pid);

/// The numbers of `pid`, the outermost (ours) first and the innermost (its own) last. Throws
/// SystemError if there is no such process.
[[nodiscard]] std::vector<pid_t> ns_pids(pid_t pid);

/// The numbers on the NSpid line of a /proc/PID/status (proc_pid_status(5)). Throws
/// Error(invalid_argument) if there is no such line or it holds no numbers.
[[nodiscard]] std::vector<pid_t> parse_ns_pids(std::string_view status);

/// A namespace and who is in it.
struct Population {
  Kind kind = Kind::pid;      ///< what it is a namespace of
  NamespaceId id;             ///< which one
  std::size_t processes = 0;  ///< how many are in it
  pid_t lowest = 0;           ///< the lowest pid of these: usually who made it
  std::string command;        ///< the command line of that one; its name in brackets if it has none
};

/// Namespaces, and who could not be asked.
struct Survey {
  std::vector<Population> populations;  ///< by kind, then by lowest pid
  std::size_t hidden = 0;               ///< processes that we may not look at
};

/// Every namespace that has a process in it. Processes that end meanwhile are left out, those that
/// we may not look at are counted. Namespaces kept alive only by a bind mount or an open descriptor
/// are not found: nothing in /proc lists them.
[[nodiscard]] Survey survey();

/// The same, but only namespaces that one of `pids` is in; all their members count.
[[nodiscard]] Survey survey_of(const std::vector<pid_t>& pids);

}  // namespace minidocker::namespaces
