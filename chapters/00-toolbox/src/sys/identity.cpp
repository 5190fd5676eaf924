#include "minidocker/toolbox/sys/identity.hpp"

#include <linux/keyctl.h>
#include <sys/prctl.h>

#include "traced.hpp"

namespace minidocker::sys {

using trace::hex;
using trace::number;
using trace::text;

namespace {

constexpr CallInfo kSetresuid{"setresuid", "setresuid(2)"};
constexpr CallInfo kSetresgid{"setresgid", "setresgid(2)"};
constexpr CallInfo kSetgroups{"setgroups", "setgroups(2)"};
constexpr CallInfo kCapget{"capget", "capget(2)"};
constexpr CallInfo kCapset{"capset", "capset(2)"};
constexpr CallInfo kPrctl{"prctl", "prctl(2)"};
constexpr CallInfo kKeyctl{"keyctl", "keyctl(2)"};

Answer prctl_call(int option, const char* name, long argument, long second = 0) noexcept {
  return traced(
      kPrctl, [&] { return invoke(SYS_prctl, option, argument, second, 0, 0); }, text(name),
      number(argument), number(second));
}

std::uint64_t joined(std::uint32_t low, std::uint32_t high) noexcept {
  return (std::uint64_t{high} << 32) | low;
}
std::uint32_t low_half(std::uint64_t mask) noexcept { return static_cast<std::uint32_t>(mask); }
std::uint32_t high_half(std::uint64_t mask) noexcept {
  return static_cast<std::uint32_t>(mask >> 32);
}

}  // namespace

uid_t geteuid() noexcept { return static_cast<uid_t>(::syscall(SYS_geteuid)); }
gid_t getegid() noexcept { return static_cast<gid_t>(::syscall(SYS_getegid)); }

Result<> setresuid(uid_t uid) noexcept {
  return done(kSetresuid, traced(
                              kSetresuid, [&] { return invoke(SYS_setresuid, uid, uid, uid); },
                              number(uid), number(uid), number(uid)));
}

Result<> setresgid(gid_t gid) noexcept {
  return done(kSetresgid, traced(
                              kSetresgid, [&] { return invoke(SYS_setresgid, gid, gid, gid); },
                              number(gid), number(gid), number(gid)));
}

Result<> setgroups(const gid_t* groups, std::size_t count) noexcept {
  return done(kSetgroups, traced(
                              kSetgroups, [&] { return invoke(SYS_setgroups, count, groups); },
                              number(static_cast<std::int64_t>(count))));
}

Result<CapabilitySets> capget() noexcept {
  struct __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2]{};
  const Answer answer = traced(kCapget, [&] { return invoke(SYS_capget, &header, data); });
  return filling(kCapget, answer,
                 CapabilitySets{joined(data[0].effective, data[1].effective),
                                joined(data[0].permitted, data[1].permitted),
                                joined(data[0].inheritable, data[1].inheritable)});
}

Result<> capset(const CapabilitySets& sets) noexcept {
  struct __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const struct __user_cap_data_struct data[2] = {
      {low_half(sets.effective), low_half(sets.permitted), low_half(sets.inheritable)},
      {high_half(sets.effective), high_half(sets.permitted), high_half(sets.inheritable)}};
  return done(kCapset, traced(
                           kCapset, [&] { return invoke(SYS_capset, &header, data); },
                           hex(sets.effective, "effective"), hex(sets.permitted, "permitted"),
                           hex(sets.inheritable, "inheritable")));
}

Result<bool> bounding_has(int cap) noexcept {
  return yielding<bool>(kPrctl, prctl_call(PR_CAPBSET_READ, "PR_CAPBSET_READ", cap));
}

Result<> bounding_drop(int cap) noexcept {
  return done(kPrctl, prctl_call(PR_CAPBSET_DROP, "PR_CAPBSET_DROP", cap));
}

Result<> ambient_raise(int cap) noexcept {
  return done(
      kPrctl,
      traced(
          kPrctl,
          [&] { return invoke(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0); },
          text("PR_CAP_AMBIENT"), text("PR_CAP_AMBIENT_RAISE"), number(cap)));
}

Result<> ambient_clear() noexcept {
  return done(
      kPrctl,
      traced(
          kPrctl,
          [] { return invoke(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); },
          text("PR_CAP_AMBIENT"), text("PR_CAP_AMBIENT_CLEAR_ALL")));
}

Result<> keep_capabilities(bool on) noexcept {
  return done(kPrctl, prctl_call(PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS", on ? 1 : 0));
}

Result<> set_no_new_privs() noexcept {
  return done(kPrctl, prctl_call(PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS", 1));
}

Result<> set_parent_death_signal(int signal) noexcept {
  return done(kPrctl, prctl_call(PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG", signal));
}

Result<> set_dumpable(bool on) noexcept {
  return done(kPrctl, prctl_call(PR_SET_DUMPABLE, "PR_SET_DUMPABLE", on ? 1 : 0));
}

Result<> set_child_subreaper(bool on) noexcept {
  return done(kPrctl, prctl_call(PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER", on ? 1 : 0));
}

Result<> set_name(const char* name) noexcept {
  return done(kPrctl, traced(
                          kPrctl, [&] { return invoke(SYS_prctl, PR_SET_NAME, name, 0, 0, 0); },
                          text("PR_SET_NAME"), text(name)));
}

Result<> join_session_keyring(const char* name) noexcept {
  return done(
      kKeyctl,
      traced(
          kKeyctl, [&] { return invoke(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0); },
          text("KEYCTL_JOIN_SESSION_KEYRING"), text(name)));
}

}  // namespace minidocker::sys
