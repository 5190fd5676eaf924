#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

#include "minidocker/security/users.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/started_child.hpp"

namespace minidocker::security {
namespace {

using testing::status_field;

TEST(Ids, AreTheUsersAndNoneOfOurs) {
  MD_NEEDS("root");
  ChildPlan plan;
  auto* slot = plan.make<UserSlot>();
  slot->uid = 33;
  slot->gid = 44;
  slot->add_group(29);
  slot->add_group(44);
  plan.add(SetIds{slot, Groups::set});
  plan.add(Sync{SyncPoint::ready, "look at the child"});
  StartedChild child = StartedChild::start(plan, {});
  child.wait_for(SyncPoint::ready);
  const pid_t pid = child.process().pid();
  EXPECT_EQ("33\t33\t33\t33", status_field(pid, "Uid"));
  EXPECT_EQ("44\t44\t44\t44", status_field(pid, "Gid"));
  EXPECT_EQ("29 44", status_field(pid, "Groups"));
}

TEST(Ids, ThatAreNotMappedAreRefusedByTheCallThatMeetsThem) {
  MD_NEEDS("userns");
  testing::in_sandbox(
      [] {
        const std::string uid_map = "0 " + std::to_string(::geteuid()) + " 1";
        const std::string gid_map = "0 " + std::to_string(::getegid()) + " 1";
        ASSERT_EQ(0, ::prctl(PR_SET_DUMPABLE, 1));  // else /proc/self is root's after setuid
        ASSERT_EQ(0, ::unshare(CLONE_NEWUSER));
        testing::write_text("/proc/self/setgroups", "deny");
        testing::write_text("/proc/self/uid_map", uid_map);
        testing::write_text("/proc/self/gid_map", gid_map);
        UserSlot slot;
        ChildContext context;
        const StepResult groups = SetIds{&slot, Groups::set}.run(context);
        EXPECT_EQ(EPERM, groups.error);
        EXPECT_STREQ("setgroups", groups.call->name);
        slot.gid = 5;
        const StepResult gid = SetIds{&slot, Groups::denied}.run(context);
        EXPECT_EQ(EINVAL, gid.error);
        EXPECT_STREQ("setresgid", gid.call->name);
        slot.gid = 0;
        slot.uid = 5;
        const StepResult uid = SetIds{&slot, Groups::denied}.run(context);
        EXPECT_EQ(EINVAL, uid.error);
        EXPECT_STREQ("setresuid", uid.call->name);
        slot.uid = 0;
        EXPECT_TRUE((SetIds{&slot, Groups::denied}.run(context)));
      },
      {.flags = 0, .as_user = true});
}

}  // namespace
}  // namespace minidocker::security
