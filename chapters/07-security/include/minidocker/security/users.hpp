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
/// that are not there hold nobody. A file that is none (a FIFO would hang us) or is larger than
/// 4 MiB fails with EINVAL or EFBIG; unknown names with the errno that user_error() explains.
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

/// What may be done about supplementary groups.
enum class Groups : unsigned char {
  set,     ///< set them, to none as well: those of our caller are not for the container
  denied,  ///< /proc/self/setgroups says deny: an unprivileged user namespace keeps its groups
};

/// setgroups(2), setresgid(2), setresuid(2), in this order, as the first two need what the last
/// takes away. EINVAL: the id is not mapped in the user namespace; the call that failed tells
/// whether it is the uid, the gid or a supplementary group.
struct SetIds {
  static constexpr StepInfo kInfo{"07-security", "the program runs as the user it was given"};
  const UserSlot* slot;       ///< who
  Groups groups;              ///< set them or not
  const char* who = nullptr;  ///< LookupUser's `user`, as only the child knows the ids then
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::security
