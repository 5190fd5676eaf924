#pragma once
/// \file
/// The eight kinds of namespaces and what the kernel calls them (namespaces(7)).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace minidocker::namespaces {

/// What a namespace gives its members a view of their own of.
enum class Kind {
  pid,     ///< process numbers (pid_namespaces(7))
  net,     ///< interfaces, routes, sockets' addresses (network_namespaces(7))
  ipc,     ///< System V IPC and POSIX message queues (ipc_namespaces(7))
  mnt,     ///< the tree of mounts (mount_namespaces(7))
  uts,     ///< host and domain name (uts_namespaces(7))
  user,    ///< user and group ids, capabilities (user_namespaces(7))
  cgroup,  ///< what is the root of the cgroup tree (cgroup_namespaces(7))
  time,    ///< CLOCK_MONOTONIC and CLOCK_BOOTTIME (time_namespaces(7))
};

/// All kinds, in the order of the enumeration.
[[nodiscard]] std::span<const Kind> all_kinds() noexcept;

/// The flag of clone3(2), unshare(2) and setns(2), e.g. CLONE_NEWPID.
[[nodiscard]] std::uint64_t clone_flag(Kind kind) noexcept;

/// The name of the link in /proc/PID/ns: "pid", "net", "mnt" ...
[[nodiscard]] const char* proc_name(Kind kind) noexcept;

/// The flags of all kinds, or'ed.
[[nodiscard]] std::uint64_t all_clone_flags() noexcept;

/// The kinds in a flag word: "pid, net, mnt"; "none" for no kind at all.
[[nodiscard]] std::string in_words(std::uint64_t flags);

}  // namespace minidocker::namespaces
