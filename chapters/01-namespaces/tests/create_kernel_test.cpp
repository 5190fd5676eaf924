// Each kind of namespace made, and what the kernel shows of it from outside.

#include "minidocker/namespaces/create.hpp"

#include <linux/sched.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::in_sandbox;
using minidocker::testing::namespace_inode;
using minidocker::testing::pids_in_namespaces;
using namespaces::testing::add_holder;
using namespaces::testing::as_user;
using namespaces::testing::error_of;
using namespaces::testing::hold;
using namespaces::testing::Leaks;
using namespaces::testing::start;

/// The kinds in which `pid` differs from us, as the kernel's inodes tell.
std::string kinds_apart(pid_t pid) {
  std::uint64_t flags = 0;
  for (const Kind kind : all_kinds()) {
    if (namespace_inode(pid, proc_name(kind)) != namespace_inode(::getpid(), proc_name(kind))) {
      flags |= clone_flag(kind);
    }
  }
  return in_words(flags);
}

class EachKind : public ::testing::TestWithParam<Kind> {
 protected:
  Leaks leaks_;
};

TEST_P(EachKind, IsMadeAndNothingElseIsDifferent) {
  MD_NEEDS("root", "userns");
  const Process process = hold(clone_flag(GetParam()));
  EXPECT_EQ(kinds_apart(process.pid()), proc_name(GetParam()));
}

TEST_P(EachKind, IsMadeForAnOrdinaryUserTogetherWithAUserNamespace) {
  MD_NEEDS("user", "userns");
  as_user([] {
    const std::uint64_t kinds = clone_flag(GetParam()) | CLONE_NEWUSER;
    const Process process = hold(kinds);
    EXPECT_EQ(kinds_apart(process.pid()), in_words(kinds));
  });
}

TEST_P(EachKind, IsRefusedToAnOrdinaryUserWithoutOne) {
  MD_NEEDS("user");
  if (GetParam() == Kind::user) return;  // the one kind that needs no privilege
  as_user([] { EXPECT_EQ(error_of(UnshareNamespaces{clone_flag(GetParam())}), EPERM); });
}

INSTANTIATE_TEST_SUITE_P(Namespaces, EachKind, ::testing::ValuesIn(all_kinds()),
                         [](const auto& kind) { return std::string(proc_name(kind.param)); });

TEST(Create, AllKindsAtOnce) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  const Process process = hold(all_clone_flags());
  EXPECT_EQ(kinds_apart(process.pid()), in_words(all_clone_flags()));
  EXPECT_EQ(pids_in_namespaces(process.pid()), (std::vector<pid_t>{process.pid(), 1}));
}

TEST(Create, ThePidNamespaceDiesWithItsInit) {
  MD_NEEDS("root");
  const Leaks leaks;
  Process init = hold(CLONE_NEWPID);
  const UniqueFd ns = sys::open(fmt::format("/proc/{}/ns/pid", init.pid()).c_str(), O_RDONLY)
                          .or_throw("the init's namespace");
  init.send(SIGKILL);
  EXPECT_EQ(init.wait().signal, SIGKILL);
  minidocker::testing::in_child([&ns] {
    // Joining works, as the namespace still exists; but nobody can be born into it any more.
    ASSERT_TRUE(sys::setns(ns.get(), CLONE_NEWPID).ok());
    EXPECT_EQ(sys::clone3({}).error(), ENOMEM);
  });
}

TEST(Create, UnsharingPidMovesTheNextChildNotTheCaller) {
  MD_NEEDS("root");
  const Leaks leaks;
  ChildPlan plan;
  plan.add(UnshareNamespaces{CLONE_NEWPID});
  add_holder(plan);
  const Process process = start(plan);
  EXPECT_EQ(kinds_apart(process.pid()), "none");
  // The new namespace is not even shown before somebody is in it.
  EXPECT_THROW((void)namespace_inode(process.pid(), "pid_for_children"), std::runtime_error);
}

TEST(Create, ASiblingGoesOnWithThePlanAsOurOwnChild) {
  MD_NEEDS("root");
  const Leaks leaks;
  ChildPlan plan;
  plan.add(UnshareNamespaces{CLONE_NEWPID | CLONE_NEWUTS});
  plan.add(CloneSibling{CLONE_NEWIPC});
  add_holder(plan);
  StartedChild child = StartedChild::start(plan, {});
  const pid_t stage = child.process().pid();
  UniqueFd pidfd = child.receive_fd();
  const pid_t pid = pid_of_pidfd(pidfd.get());
  child.replace_process(Process(pid, std::move(pidfd)));
  child.wait_for_exec();
  EXPECT_NE(pid, stage);
  EXPECT_EQ(minidocker::testing::parent_of(pid), ::getpid());
  EXPECT_EQ(minidocker::testing::state_of(stage), '-') << "the stage must be reaped";
  EXPECT_EQ(kinds_apart(pid), "pid, ipc, uts");
  EXPECT_EQ(pids_in_namespaces(pid).back(), 1);
}

TEST(Create, AFailedSiblingIsAStepThatFailed) {
  MD_NEEDS("user");
  as_user([] {
    ChildPlan plan;
    plan.add(CloneSibling{CLONE_NEWNET});
    StartedChild child = StartedChild::start(plan, {});
    try {
      (void)child.receive_fd();
      ADD_FAILURE() << "an ordinary user got a network namespace";
    } catch (const StepError& error) {
      EXPECT_EQ(error.code(), EPERM);
    }
  });
}

TEST(Create, APidfdOfAnEndedProcessHasNoPid) {
  const Leaks leaks;
  Process process = Process::spawn({"/bin/true"});
  const UniqueFd pidfd = sys::dup(process.pidfd()).or_throw();
  (void)process.wait();
  EXPECT_THROW((void)pid_of_pidfd(pidfd.get()), Error);
}

TEST(Create, TheLimitOfNamespacesIsENOSPC) {
  MD_NEEDS("root", "userns");
  in_sandbox(
      [] {
        // The limit that is lowered is that of the sandbox's own user namespace.
        write_control("/proc/sys/user/max_uts_namespaces", "0");
        EXPECT_EQ(error_of(UnshareNamespaces{CLONE_NEWUTS}), ENOSPC);
      },
      {.flags = CLONE_NEWUSER});
}

TEST(Create, FlagsThatAreNoNamespacesAreEINVAL) {
  minidocker::testing::in_child(
      [] { EXPECT_EQ(error_of(UnshareNamespaces{CLONE_PARENT}), EINVAL); });
}

TEST(Unshare, ATimeNamespaceIsEnteredByTheNextExecve) {
  MD_NEEDS("root");
  const Leaks leaks;
  const ino_t before = namespace_inode(::getpid(), "time");
  ChildPlan plan;
  plan.add(UnshareNamespaces{CLONE_NEWTIME});
  plan.add(Sync{SyncPoint::ready, "look"});
  namespaces::testing::add_holder(plan);
  StartedChild child = StartedChild::start(plan, {});
  child.wait_for(SyncPoint::ready);
  EXPECT_EQ(namespace_inode(child.process().pid(), "time"), before) << "not by the call";
  child.resume();
  child.wait_for_exec();
  EXPECT_NE(namespace_inode(child.process().pid(), "time"), before);
}

}  // namespace
}  // namespace minidocker::namespaces
