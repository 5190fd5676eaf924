#include "minidocker/toolbox/sys/identity.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

using testing::capabilities;
using testing::in_child;
using testing::in_sandbox;
using testing::status_field;
using testing::User;

constexpr int kNoCapability = 63;

TEST(SysIdentity, EffectiveIdsAreTheKernels) {
  EXPECT_EQ(::geteuid(), sys::geteuid());
  EXPECT_EQ(::getegid(), sys::getegid());
}

TEST(SysIdentity, AllThreeIdsAreChangedAtOnce) {
  MD_NEEDS("root");
  const User user = testing::unprivileged_user();
  in_child([user] {
    EXPECT_EQ(fmt::format("setgroups(1)\nsetresgid({1}, {1}, {1})\nsetresuid({0}, {0}, {0})\n"
                          "setresuid(0, 0, 0) = EPERM\nsetresgid(0, 0, 0) = EPERM\n"
                          "setgroups(0) = EPERM",
                          user.uid, user.gid),
              recorded([user] {
                const gid_t group = 12345;
                (void)sys::setgroups(&group, 1);
                (void)sys::setresgid(user.gid);
                (void)sys::setresuid(user.uid);
                (void)sys::setresuid(0);
                (void)sys::setresgid(0);
                (void)sys::setgroups(nullptr, 0);
              }));
    EXPECT_EQ(fmt::format("{0}\t{0}\t{0}\t{0}", user.uid), status_field(::getpid(), "Uid"));
    EXPECT_EQ(fmt::format("{0}\t{0}\t{0}\t{0}", user.gid), status_field(::getpid(), "Gid"));
    EXPECT_EQ("12345", status_field(::getpid(), "Groups"));
  });
}

TEST(SysIdentity, CapabilitySetsAreReadAndWritten) {
  MD_NEEDS("root");
  in_child([] {
    sys::CapabilitySets sets = sys::capget().or_throw("capget");
    EXPECT_EQ(capabilities(::getpid(), "CapEff"), sets.effective);
    EXPECT_EQ(capabilities(::getpid(), "CapPrm"), sets.permitted);
    sets = {1U << CAP_KILL, (1U << CAP_KILL) | (1U << CAP_CHOWN), 1U << CAP_KILL};
    EXPECT_EQ("capset({effective=0x20, permitted=0x21, inheritable=0x20})",
              recorded([&sets] { (void)sys::capset(sets); }));
    EXPECT_EQ(0x20U, capabilities(::getpid(), "CapEff"));
    EXPECT_EQ(0x21U, capabilities(::getpid(), "CapPrm"));
    EXPECT_EQ(0x20U, capabilities(::getpid(), "CapInh"));
    EXPECT_EQ("capset({effective=0xffffffffffffffff, permitted=0x0, inheritable=0x0}) = EPERM",
              recorded([] { (void)sys::capset({~0ULL, 0, 0}); }));
  });
}

TEST(SysIdentity, TheBoundingSetOnlyShrinks) {
  MD_NEEDS("root");
  in_child([] {
    EXPECT_TRUE(sys::bounding_has(CAP_CHOWN).or_throw("read"));
    EXPECT_EQ(
        "prctl(\"PR_CAPBSET_DROP\", 0, 0)\nprctl(\"PR_CAPBSET_DROP\", 63, 0) = EINVAL\n"
        "prctl(\"PR_CAPBSET_READ\", 63, 0) = EINVAL",
        recorded([] {
          (void)sys::bounding_drop(CAP_CHOWN);
          (void)sys::bounding_drop(kNoCapability);
          (void)sys::bounding_has(kNoCapability);
        }));
    EXPECT_FALSE(sys::bounding_has(CAP_CHOWN).or_throw("read"));
  });
}

TEST(SysIdentity, AmbientCapabilitiesNeedTheInheritableOnes) {
  MD_NEEDS("root");
  in_child([] {
    const std::uint64_t kill = 1U << CAP_KILL;
    ASSERT_TRUE(sys::capset({kill, kill, 0}).ok());
    EXPECT_EQ("prctl(\"PR_CAP_AMBIENT\", \"PR_CAP_AMBIENT_RAISE\", 5) = EPERM",
              recorded([] { (void)sys::ambient_raise(CAP_KILL); }));
    ASSERT_TRUE(sys::capset({kill, kill, kill}).ok());
    EXPECT_TRUE(sys::ambient_raise(CAP_KILL).ok());
    EXPECT_EQ(kill, capabilities(::getpid(), "CapAmb"));
    EXPECT_TRUE(sys::ambient_clear().ok());
    EXPECT_EQ(0U, capabilities(::getpid(), "CapAmb"));
  });
}

TEST(SysIdentity, KeptCapabilitiesSurviveAChangeOfUser) {
  MD_NEEDS("root");
  in_child([] {
    EXPECT_TRUE(sys::keep_capabilities(true).ok());
    EXPECT_TRUE(sys::setresuid(testing::unprivileged_user().uid).ok());
    EXPECT_NE(0U, capabilities(::getpid(), "CapPrm"));
    EXPECT_EQ(0U, capabilities(::getpid(), "CapEff"));
  });
}

TEST(SysIdentity, ProcessAttributesAreSeenFromOutside) {
  in_child([] {
    EXPECT_TRUE(sys::set_no_new_privs().ok());
    EXPECT_TRUE(sys::set_name("a-name-longer-than-fifteen").ok());
    EXPECT_TRUE(sys::set_parent_death_signal(SIGUSR1).ok());
    EXPECT_TRUE(sys::set_child_subreaper(true).ok());
    EXPECT_TRUE(sys::set_dumpable(false).ok());
    EXPECT_EQ("1", status_field(::getpid(), "NoNewPrivs"));
    EXPECT_EQ("a-name-longer-t", status_field(::getpid(), "Name"));
    int value = 0;
    ::prctl(PR_GET_PDEATHSIG, &value);
    EXPECT_EQ(SIGUSR1, value);
    ::prctl(PR_GET_CHILD_SUBREAPER, &value);
    EXPECT_EQ(1, value);
    EXPECT_EQ(0, ::prctl(PR_GET_DUMPABLE));
  });
}

TEST(SysIdentity, AttributesAreToldByTheirKernelNames) {
  in_child([] {
    EXPECT_EQ(
        "prctl(\"PR_SET_KEEPCAPS\", 0, 0)\nprctl(\"PR_SET_NO_NEW_PRIVS\", 1, 0)\n"
        "prctl(\"PR_SET_PDEATHSIG\", 0, 0)\nprctl(\"PR_SET_PDEATHSIG\", 999, 0) = EINVAL\n"
        "prctl(\"PR_SET_DUMPABLE\", 1, 0)\nprctl(\"PR_SET_CHILD_SUBREAPER\", 0, 0)\n"
        "prctl(\"PR_SET_NAME\", \"me\")",
        recorded([] {
          (void)sys::keep_capabilities(false);
          (void)sys::set_no_new_privs();
          (void)sys::set_parent_death_signal(0);
          (void)sys::set_parent_death_signal(999);
          (void)sys::set_dumpable(true);
          (void)sys::set_child_subreaper(false);
          (void)sys::set_name("me");
        }));
  });
}

TEST(SysIdentity, ASessionKeyringIsJoinedOrRefusedInWords) {
  in_child([] {
    const std::string told = recorded([] { (void)sys::join_session_keyring("toolbox-test"); });
    EXPECT_EQ(0U, told.find("keyctl(\"KEYCTL_JOIN_SESSION_KEYRING\", \"toolbox-test\")")) << told;
    // A name that begins with a dot is the kernel's own (EPERM); a seccomp filter may say ENOSYS.
    EXPECT_NE(0, sys::join_session_keyring(".mine").error());
  });
}

}  // namespace
}  // namespace minidocker
