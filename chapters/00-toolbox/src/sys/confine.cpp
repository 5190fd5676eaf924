#include "minidocker/toolbox/sys/confine.hpp"

#include <linux/landlock.h>
#include <linux/seccomp.h>

#include "traced.hpp"

namespace minidocker::sys {

using trace::fd;
using trace::hex;
using trace::number;
using trace::text;

namespace {

constexpr CallInfo kCreateRuleset{"landlock_create_ruleset", "landlock_create_ruleset(2)"};
constexpr CallInfo kAddRule{"landlock_add_rule", "landlock_add_rule(2)"};
constexpr CallInfo kRestrictSelf{"landlock_restrict_self", "landlock_restrict_self(2)"};
constexpr CallInfo kSeccomp{"seccomp", "seccomp(2)"};

/// struct landlock_ruleset_attr as of ABI 6, whatever the headers have: a kernel that knows less of
/// it takes it if the rest is zero.
struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};

}  // namespace

Result<int> landlock_abi() noexcept {
  return yielding<int>(kCreateRuleset,
                       traced(
                           kCreateRuleset,
                           [] {
                             return invoke(SYS_landlock_create_ruleset, nullptr, 0,
                                           LANDLOCK_CREATE_RULESET_VERSION);
                           },
                           text(nullptr), number(0), text("LANDLOCK_CREATE_RULESET_VERSION")));
}

Result<UniqueFd> landlock_create_ruleset(const LandlockHandled& handled) noexcept {
  const RulesetAttributes attributes{handled.files, 0, handled.scoped};
  return owning(
      kCreateRuleset,
      traced(
          kCreateRuleset,
          [&] { return invoke(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0); },
          hex(handled.files, "handled_access_fs"), hex(handled.scoped, "scoped")));
}

Result<> landlock_add_path(int ruleset, int path, std::uint64_t files) noexcept {
  const struct landlock_path_beneath_attr attributes{files, path};
  return done(kAddRule, traced(
                            kAddRule,
                            [&] {
                              return invoke(SYS_landlock_add_rule, ruleset,
                                            LANDLOCK_RULE_PATH_BENEATH, &attributes, 0);
                            },
                            fd(ruleset), text("LANDLOCK_RULE_PATH_BENEATH"),
                            hex(files, "allowed_access"), fd(path, "parent_fd")));
}

Result<> landlock_restrict_self(int ruleset) noexcept {
  return done(kRestrictSelf,
              traced(
                  kRestrictSelf, [&] { return invoke(SYS_landlock_restrict_self, ruleset, 0); },
                  fd(ruleset)));
}

Result<> seccomp_filter(std::span<const struct sock_filter> program) noexcept {
  const struct sock_fprog all{static_cast<unsigned short>(program.size()),
                              const_cast<struct sock_filter*>(program.data())};
  return done(kSeccomp,
              traced(
                  kSeccomp, [&] { return invoke(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &all); },
                  text("SECCOMP_SET_MODE_FILTER"),
                  number(static_cast<std::int64_t>(program.size()), "len")));
}

}  // namespace minidocker::sys
