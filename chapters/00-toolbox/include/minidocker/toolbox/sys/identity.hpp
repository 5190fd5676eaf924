#pragma once
/// \file
/// Who a process is and what it may do: ids, groups, capabilities, prctl.

#include <linux/capability.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "minidocker/toolbox/result.hpp"

namespace minidocker::sys {

/// The three sets of capget(2) and capset(2) as 64-bit masks; bit n is capability n.
struct CapabilitySets {
  std::uint64_t effective = 0;    ///< what permission checks look at
  std::uint64_t permitted = 0;    ///< what may be made effective
  std::uint64_t inheritable = 0;  ///< what file capabilities may keep across execve
};

/// geteuid(2).
uid_t geteuid() noexcept;
/// getegid(2).
gid_t getegid() noexcept;
/// setresuid(2), all three ids, of this thread only (the raw call: glibc's signals all threads).
Result<> setresuid(uid_t uid) noexcept;
/// setresgid(2), all three ids, of this thread only.
Result<> setresgid(gid_t gid) noexcept;
/// setgroups(2), of this thread only.
Result<> setgroups(const gid_t* groups, std::size_t count) noexcept;
/// capget(2) of this thread.
Result<CapabilitySets> capget() noexcept;
/// capset(2) of this thread.
Result<> capset(const CapabilitySets& sets) noexcept;
/// prctl(2) PR_CAPBSET_READ: is capability `cap` in the bounding set? EINVAL: no such capability.
Result<bool> bounding_has(int cap) noexcept;
/// prctl(2) PR_CAPBSET_DROP.
Result<> bounding_drop(int cap) noexcept;
/// prctl(2) PR_CAP_AMBIENT_RAISE.
Result<> ambient_raise(int cap) noexcept;
/// prctl(2) PR_CAP_AMBIENT_CLEAR_ALL.
Result<> ambient_clear() noexcept;
/// prctl(2) PR_SET_KEEPCAPS.
Result<> keep_capabilities(bool on) noexcept;
/// prctl(2) PR_SET_NO_NEW_PRIVS.
Result<> set_no_new_privs() noexcept;
/// prctl(2) PR_SET_PDEATHSIG; 0 clears it.
Result<> set_parent_death_signal(int signal) noexcept;
/// prctl(2) PR_SET_DUMPABLE.
Result<> set_dumpable(bool on) noexcept;
/// prctl(2) PR_SET_CHILD_SUBREAPER.
Result<> set_child_subreaper(bool on) noexcept;
/// prctl(2) PR_SET_NAME: the thread's name, cut to 15 bytes.
Result<> set_name(const char* name) noexcept;
/// keyctl(2) KEYCTL_JOIN_SESSION_KEYRING: a new session keyring of that name.
Result<> join_session_keyring(const char* name) noexcept;

}  // namespace minidocker::sys
