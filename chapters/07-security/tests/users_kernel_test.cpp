#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
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
  plan.add(SetGroups{slot, GroupsDenied::is_an_error});
  plan.add(SetIds{slot});
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
        const StepResult groups = SetGroups{&slot, GroupsDenied::is_an_error}.run(context);
        EXPECT_EQ(EPERM, groups.error);
        EXPECT_STREQ("setgroups", groups.call->name);
        EXPECT_TRUE((SetGroups{&slot, GroupsDenied::is_accepted}.run(context)));
        slot.gid = 5;
        const StepResult gid = SetIds{&slot}.run(context);
        EXPECT_EQ(EINVAL, gid.error);
        EXPECT_STREQ("setresgid", gid.call->name);
        slot.gid = 0;
        slot.uid = 5;
        const StepResult uid = SetIds{&slot}.run(context);
        EXPECT_EQ(EINVAL, uid.error);
        EXPECT_STREQ("setresuid", uid.call->name);
        slot.uid = 0;
        EXPECT_TRUE(SetIds{&slot}.run(context));
      },
      {.flags = 0, .as_user = true});
}

TEST(Stdio, IsTheUsersButForTheNullDevice) {
  MD_NEEDS("root");
  testing::in_sandbox(
      [] {
        std::array<int, 2> pipe{};
        ASSERT_EQ(0, ::pipe2(pipe.data(), O_CLOEXEC));
        const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        struct stat before{};
        ASSERT_EQ(0, ::fstat(null, &before));
        const int saved = ::fcntl(1, F_DUPFD_CLOEXEC, 3);
        ASSERT_EQ(0, ::dup2(null, 0));
        ASSERT_EQ(1, ::dup2(pipe[1], 1));
        UserSlot slot;
        slot.uid = 33;
        slot.gid = 44;
        ChildContext context;
        const bool given = static_cast<bool>(OwnStdio{&slot}.run(context));
        struct stat out{};
        struct stat in{};
        ASSERT_EQ(0, ::fstat(1, &out));
        ASSERT_EQ(0, ::fstat(0, &in));
        ASSERT_EQ(1, ::dup2(saved, 1));  // failures are told there
        EXPECT_TRUE(given);
        EXPECT_EQ(33U, out.st_uid);
        EXPECT_EQ(44U, out.st_gid);
        EXPECT_EQ(before.st_uid, in.st_uid);
      },
      {.flags = CLONE_NEWNS});
}

}  // namespace
}  // namespace minidocker::security
