#pragma once
/// \file
/// Becoming a user of the container: looked up in the container's own files, by the child, after it
/// has entered its root. Never by getpwnam(3), which loads libraries that a foreign root may bring
/// (CVE-2019-14271).

#include <array>
#include <string>
#include <string_view>

#include "minidocker/security/passwd.hpp"
#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::security {

/// Fills `slot` with who `user` is: "name", "uid", "name:group", "uid:gid"; empty is uid 0. Files
/// that are not there hold nobody, and neither does a FIFO. A directory fails with EISDIR, a file
/// larger than 4 MiB with EFBIG, unknown names with the errno that user_error() explains.
struct LookupUser {
  static constexpr StepInfo kInfo{"07-security",
                                  "names mean what the container's own files say they mean"};
  const int* root;   ///< slot with a descriptor of the container's root
  const char* user;  ///< what the caller asked for
  UserSlot* slot;    ///< filled
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Fills only the home directory of a slot whose ids are known; "/" if /etc/passwd has no entry of
/// that uid or is none.
struct LookupHome {
  static constexpr StepInfo kInfo{"07-security", "an environment without HOME shall get one"};
  const int* root;  ///< slot with a descriptor of the container's root
  UserSlot* slot;   ///< uid is read, home is filled
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// docker's words for the errno of a failed LookupUser: `unable to find user x: no matching entries
/// in passwd file`. Empty for an errno that is a system call's own.
[[nodiscard]] std::string user_error(std::string_view user, int error);

/// Room for `HOME=...` in an environment that is laid out before the home is known. A member of the
/// plan's envp points to `text`.
struct HomeVariable {
  std::array<char, 5 + UserSlot::kMaxHome> text{'H', 'O', 'M', 'E', '=', '/'};  ///< the variable
};

/// Writes the slot's home behind HOME=.
struct FillHome {
  static constexpr StepInfo kInfo{"07-security", "HOME follows the user"};
  const UserSlot* slot;    ///< filled by LookupUser or LookupHome
  HomeVariable* variable;  ///< in the environment
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// May the kernel refuse to change the supplementary groups?
enum class GroupsDenied : unsigned char {
  is_an_error,  ///< no: EPERM means that we lack CAP_SETGID
  is_accepted,  ///< in a user namespace, where we have all: EPERM means `deny` in its setgroups
};

/// setgroups(2), to none as well: the groups of our caller are not for the container. A user
/// namespace made by who may map nobody but himself denies it; the groups stay then.
struct SetGroups {
  static constexpr StepInfo kInfo{"07-security", "our caller's groups are not the program's"};
  const UserSlot* slot;  ///< which
  GroupsDenied denied;   ///< what EPERM means
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// setresgid(2), setresuid(2), in this order, as the first needs what the second takes away.
/// EINVAL: the id is not mapped in the user namespace; the call that failed tells whether it is the
/// uid or the gid.
struct SetIds {
  static constexpr StepInfo kInfo{"07-security", "the program runs as the user it was given"};
  const UserSlot* slot;       ///< who
  const char* who = nullptr;  ///< LookupUser's `user`, as only the child knows the ids then
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Makes the user the owner of standard input, output and error, as programs open /dev/stderr anew.
/// The null device is everybody's and stays; what cannot be given away (EINVAL for an unmapped id,
/// EPERM, EROFS) stays, too.
struct OwnStdio {
  static constexpr StepInfo kInfo{"07-security", "programs open /dev/stdout and /dev/stderr anew"};
  const UserSlot* slot;  ///< whose they shall be
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::security
