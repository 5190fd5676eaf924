#pragma once
/// \file
/// Groups of hosts on which systemd owns the tree: scopes, asked for by D-Bus
/// (org.freedesktop.systemd1(5), StartTransientUnit).
///
/// A static program cannot link libsystemd, so `mini-scope`, a small program that does, is spawned
/// for each question; the messages stand in src/systemd_protocol.hpp. What systemd has made is a
/// directory of v2 like any other: limits, device rules, statistics and the end are the v2
/// driver's.
///
/// systemd is asked to move a process that is there already, where the v2 driver lets it be born
/// inside. For its owner may always be moved into a group of a user's systemd, while the kernel
/// lets nobody be born there who comes out of a login session, as the group above both is root's;
/// and a placeholder that kept the scope alive until the birth would be counted by pids.max.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "minidocker/cgroups/cgroup.hpp"
#include "minidocker/cgroups/detect.hpp"
#include "minidocker/cgroups/limits.hpp"
#include "minidocker/cgroups/location.hpp"
#include "minidocker/cgroups/systemd_names.hpp"

namespace minidocker::cgroups {

/// How long systemd may take to answer; its own limit for a call is 25 s.
inline constexpr std::chrono::milliseconds kSystemdPatience{30'000};

/// How systemd is asked.
struct ScopeHelper {
  std::string program;                                    ///< path of mini-scope
  std::chrono::milliseconds patience = kSystemdPatience;  ///< for one question
};

/// Which systemd looks after the groups of user `who`, if one does: the hierarchy is v2, systemd
/// booted this host (sd_booted(3)), and, for an ordinary user, runs a manager of the user's own
/// whose socket is below `runtime_dir`, XDG_RUNTIME_DIR's value.
[[nodiscard]] Manager find_manager(const Layout& layout, uid_t who, const std::string& runtime_dir);

/// The slice of whoever names none: system.slice, or user.slice of the user's own manager.
[[nodiscard]] std::string default_slice(Manager manager);

/// Where the scope will be. `who` is the user whose manager it is. Throws Error(unavailable) on a
/// host that has not v2 alone.
[[nodiscard]] Location locate_scope(const Layout& layout, const ScopeName& name, Manager manager,
                                    uid_t who);

/// Has systemd make the scope at `location` with `limits` and put process `pid` into it, which must
/// be a child of ours that waits. It is delegated: the directories below are ours. Owns the group.
/// Throws Error(conflict) if there is such a scope with processes in it, Error(unavailable) if
/// mini-scope is missing or nobody answers in time, Error naming what systemd says, and as
/// Cgroup::apply().
[[nodiscard]] Cgroup start_scope(const ScopeHelper& helper, const Location& location,
                                 const Limits& limits, pid_t pid);

/// Tells systemd of other limits for the scope at `location`, so that it will not write the old
/// ones; Cgroup::apply() makes them hold. Throws as start_scope().
void set_scope_limits(const ScopeHelper& helper, const Location& location, const Limits& limits);

}  // namespace minidocker::cgroups
