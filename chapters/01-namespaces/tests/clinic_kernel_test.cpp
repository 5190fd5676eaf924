// The errnos of the chapter's clinic that belong to no step of ours: each is provoked here, so that
// the table says what this kernel says.

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/namespaces/create.hpp"
#include "minidocker/namespaces/join.hpp"
#include "minidocker/namespaces/root.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/mountinfo.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::in_child;
using minidocker::testing::in_sandbox;
using minidocker::testing::link_target;
using namespaces::testing::as_user;
using namespaces::testing::error_of;
using namespaces::testing::hold;
using namespaces::testing::Leaks;
using namespaces::testing::run_here;
using namespaces::testing::succeeds;

/// Runs `body` while a second thread of this process waits for its end.
void with_a_second_thread(const std::function<void()>& body) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  std::thread other([end = ends[0]] {
    char nothing = 0;
    EXPECT_EQ(::read(end, &nothing, 1), 0);
  });
  body();
  ::close(ends[1]);
  other.join();
  ::close(ends[0]);
}

/// Runs `body` in a child that shares root, working directory and umask with us, as threads do.
void with_shared_fs(const std::function<void()>& body) {
  const sys::Cloned child = sys::clone3({.flags = CLONE_FS}).or_throw();
  if (child.pid == 0) {
    body();
    sys::exit_group(::testing::Test::HasFailure() ? 1 : 0);
  }
  EXPECT_EQ(sys::wait_pidfd(child.pidfd.get(), WEXITED).or_throw().si_status, 0);
}

UniqueFd namespace_of(const Process& process, Kind kind) {
  return open_namespace(fmt::format("/proc/{}/ns/{}", process.pid(), proc_name(kind)), kind);
}

TEST(Clinic, AUserNamespaceInAChrootIsEPERM) {
  MD_NEEDS("root", "userns");
  in_sandbox([] {
    sys::chroot("/tmp").or_throw("/tmp");
    EXPECT_EQ(error_of(UnshareNamespaces{CLONE_NEWUSER}), EPERM);
  });
}

TEST(Clinic, AUserNamespaceOfOneThreadOfTwoIsEINVAL) {
  MD_NEEDS("root", "userns");
  in_child([] {
    with_a_second_thread([] { EXPECT_EQ(error_of(UnshareNamespaces{CLONE_NEWUSER}), EINVAL); });
  });
}

/// What mounting a new proc says in new user, PID and mount namespaces.
int error_of_a_new_proc() {
  const sys::Cloned child =
      sys::clone3({.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS}).or_throw();
  if (child.pid == 0) sys::exit_group(sys::mount("proc", "/mnt", "proc", 0, nullptr).error());
  return sys::wait_pidfd(child.pidfd.get(), WEXITED).or_throw().si_status;
}

/// One proc that is whole anywhere, a chroot's for instance, is enough for a new one.
void unmount_all_procs_but_our_own() {
  for (const MountEntry& mount : read_mountinfo()) {
    if (mount.type != "proc" || mount.target.starts_with("/proc")) continue;
    sys::umount2(mount.target.c_str(), MNT_DETACH).or_throw(mount.target);
  }
}

TEST(Clinic, ANewProcIsEPERMWhereAPartOfTheOldOneIsCovered) {
  MD_NEEDS("root", "userns");
  in_sandbox([] {
    unmount_all_procs_but_our_own();
    EXPECT_EQ(error_of_a_new_proc(), 0);
    sys::mount("tmpfs", "/proc/sys/fs", "tmpfs", MS_RDONLY, nullptr).or_throw("/proc/sys/fs");
    EXPECT_EQ(error_of_a_new_proc(), EPERM);
  });
}

TEST(Clinic, ANewProcIsEPERMWithoutAPidNamespaceOfOnesOwn) {
  MD_NEEDS("root", "userns");
  in_sandbox([] { EXPECT_EQ(sys::mount("proc", "/mnt", "proc", 0, nullptr).error(), EPERM); },
             {.flags = CLONE_NEWUSER | CLONE_NEWNS});
}

TEST(Clinic, ASiblingOfAnInitIsEINVAL) {
  MD_NEEDS("root");
  in_sandbox([] { EXPECT_EQ(error_of(CloneSibling{0}), EINVAL); }, {.flags = CLONE_NEWPID});
}

TEST(Clinic, JoiningAMountNamespaceWithASharedFsIsEINVAL) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process there = hold(CLONE_NEWNS);
  const UniqueFd mnt = namespace_of(there, Kind::mnt);
  in_child([&mnt] {
    with_shared_fs([&mnt] { EXPECT_EQ(error_of(JoinNamespace{mnt.get(), Kind::mnt}), EINVAL); });
    EXPECT_TRUE(succeeds(JoinNamespace{mnt.get(), Kind::mnt}));
  });
}

TEST(Clinic, JoiningAUserNamespaceWithASharedFsIsEINVAL) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  const Process there = hold(CLONE_NEWUSER);
  const UniqueFd user = namespace_of(there, Kind::user);
  in_child([&user] {
    with_shared_fs([&user] { EXPECT_EQ(error_of(JoinNamespace{user.get(), Kind::user}), EINVAL); });
    EXPECT_TRUE(succeeds(JoinNamespace{user.get(), Kind::user}));
  });
}

TEST(Clinic, JoiningATimeNamespaceWithASecondThreadIsEUSERS) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process there = hold(CLONE_NEWTIME);
  const UniqueFd time = namespace_of(there, Kind::time);
  in_child([&time] {
    with_a_second_thread(
        [&time] { EXPECT_EQ(error_of(JoinNamespace{time.get(), Kind::time}), EUSERS); });
  });
}

TEST(Clinic, WhatOursOwnsIsLostToWhoJoinsTheUserNamespaceFirst) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  const Process user_holder = hold(CLONE_NEWUSER);
  const Process net_holder = hold(CLONE_NEWNET);
  const UniqueFd user = namespace_of(user_holder, Kind::user);
  const UniqueFd net = namespace_of(net_holder, Kind::net);
  in_child([&user, &net] {
    ASSERT_TRUE(succeeds(JoinNamespace{user.get(), Kind::user}));
    EXPECT_EQ(error_of(JoinNamespace{net.get(), Kind::net}), EPERM);
  });
  in_child([&user, &net] {
    EXPECT_TRUE(succeeds(JoinNamespace{net.get(), Kind::net}));
    EXPECT_TRUE(succeeds(JoinNamespace{user.get(), Kind::user}));
  });
}

TEST(Clinic, OfDeviceNodesAUserNamespaceMayMakeTheWhiteoutOnly) {
  MD_NEEDS("userns");
  as_user([] {
    in_sandbox(
        [] {
          EXPECT_EQ(::mknod("/tmp/null", S_IFCHR | 0666, ::makedev(1, 3)), -1);
          EXPECT_EQ(errno, EPERM);
          EXPECT_EQ(::mknod("/tmp/whiteout", S_IFCHR | 0666, ::makedev(0, 0)), 0);
        },
        {.flags = CLONE_NEWUSER | CLONE_NEWNS});
  });
}

TEST(Clinic, PivotingToTheOldRootIsEBUSY) {
  MD_NEEDS("root");
  in_sandbox([] { EXPECT_EQ(sys::pivot_root("/", "/").error(), EBUSY); });
}

TEST(TimeNamespace, IsEnteredAtOnceBySetnsAndNotByUnshare) {
  MD_NEEDS("root");
  in_child([] {
    const std::string before = link_target("/proc/self/ns/time");
    ASSERT_TRUE(succeeds(UnshareNamespaces{CLONE_NEWTIME}));
    EXPECT_EQ(link_target("/proc/self/ns/time"), before);
    const UniqueFd made = open_namespace("/proc/self/ns/time_for_children", Kind::time);
    ASSERT_TRUE(succeeds(JoinNamespace{made.get(), Kind::time}));
    EXPECT_EQ(link_target("/proc/self/ns/time"), link_target("/proc/self/ns/time_for_children"));
    EXPECT_NE(link_target("/proc/self/ns/time"), before);
  });
}

}  // namespace
}  // namespace minidocker::namespaces
