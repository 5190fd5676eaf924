#pragma once
/// \file
/// What a thread gives up for good, for itself and all that it starts: files by Landlock
/// (landlock(7)), system calls by a seccomp filter (seccomp(2)).

#include <linux/filter.h>

#include <cstdint>
#include <span>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::sys {

/// What a Landlock ruleset decides about; rights that are not in it stay as they were.
struct LandlockHandled {
  std::uint64_t files = 0;   ///< LANDLOCK_ACCESS_FS_*
  std::uint64_t scoped = 0;  ///< LANDLOCK_SCOPE_*, ABI 6; must be 0 before
};

/// landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION: the kernel's ABI, 1 or more.
/// ENOSYS: a kernel before 5.13, or without Landlock; EOPNOTSUPP: it is switched off.
Result<int> landlock_abi() noexcept;
/// landlock_create_ruleset(2). EINVAL: a right that this ABI does not know.
Result<UniqueFd> landlock_create_ruleset(const LandlockHandled& handled) noexcept;
/// landlock_add_rule(2) LANDLOCK_RULE_PATH_BENEATH: allows `files` for `path` (a descriptor, O_PATH
/// will do) and all beneath it. EINVAL: a right that is not handled, or that only directories have.
Result<> landlock_add_path(int ruleset, int path, std::uint64_t files) noexcept;
/// landlock_restrict_self(2), of this thread. EPERM without no_new_privs and CAP_SYS_ADMIN.
Result<> landlock_restrict_self(int ruleset) noexcept;
/// seccomp(2) SECCOMP_SET_MODE_FILTER, of this thread. EACCES without no_new_privs and
/// CAP_SYS_ADMIN; EINVAL: the kernel refuses the program.
Result<> seccomp_filter(std::span<const struct sock_filter> program) noexcept;

}  // namespace minidocker::sys
