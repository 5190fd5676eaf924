#include "minidocker/namespaces/join.hpp"

#include <linux/sched.h>

#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/namespaces/create.hpp"
#include "minidocker/namespaces/names.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::in_sandbox;
using minidocker::testing::namespace_inode;
using namespaces::testing::add_holder;
using namespaces::testing::as_user;
using namespaces::testing::error_of;
using namespaces::testing::hold;
using namespaces::testing::Leaks;
using ::testing::HasSubstr;

std::string ns_path(pid_t pid, Kind kind) {
  return fmt::format("/proc/{}/ns/{}", pid, proc_name(kind));
}

/// A holder behind the join step and, for the kinds that only a child enters, a sibling.
template <ChildStep S>
Process join(const S& step) {
  ChildPlan plan;
  plan.add(step);
  plan.add(CloneSibling{0});
  add_holder(plan);
  StartedChild child = StartedChild::start(plan, {});
  UniqueFd pidfd = child.receive_fd();
  const pid_t pid = pid_of_pidfd(pidfd.get());
  child.replace_process(Process(pid, std::move(pidfd)));
  child.wait_for_exec();
  return child.release();
}

class JoinKind : public ::testing::TestWithParam<Kind> {
 protected:
  Leaks leaks_;
};

TEST_P(JoinKind, ByPathSharesThatNamespaceAndNoOther) {
  MD_NEEDS("root", "userns");
  const Process there = hold(all_clone_flags());
  const UniqueFd fd = open_namespace(ns_path(there.pid(), GetParam()), GetParam());
  const Process joined = join(JoinNamespace{fd.get(), GetParam()});
  for (const Kind kind : all_kinds()) {
    const pid_t like = kind == GetParam() ? there.pid() : ::getpid();
    EXPECT_EQ(namespace_inode(joined.pid(), proc_name(kind)),
              namespace_inode(like, proc_name(kind)))
        << proc_name(kind);
  }
}

TEST_P(JoinKind, AFileOfAnotherKindIsRefusedByBothNames) {
  const Kind wrong = GetParam() == Kind::net ? Kind::uts : Kind::net;
  try {
    (void)open_namespace(ns_path(::getpid(), wrong), GetParam());
    ADD_FAILURE() << "taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    EXPECT_THAT(error.what(), HasSubstr(fmt::format("a namespace of kind {}, wanted one of kind {}",
                                                    proc_name(wrong), proc_name(GetParam()))));
  }
}

INSTANTIATE_TEST_SUITE_P(Namespaces, JoinKind, ::testing::ValuesIn(all_kinds()),
                         [](const auto& kind) { return std::string(proc_name(kind.param)); });

TEST(Join, ByPidfdTakesAllKindsInOneCall) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  const Process there = hold(all_clone_flags());
  const Process joined = join(JoinProcess{there.pidfd(), all_clone_flags()});
  for (const Kind kind : all_kinds()) {
    EXPECT_EQ(namespace_inode(joined.pid(), proc_name(kind)),
              namespace_inode(there.pid(), proc_name(kind)))
        << proc_name(kind);
  }
  EXPECT_EQ(minidocker::testing::pids_in_namespaces(joined.pid()).size(), 2U);
}

/// Joins what `wanted` says in this order and returns the errno of the first that fails.
int join_in_order(const std::vector<NamespaceToJoin>& wanted,
                  const std::vector<std::size_t>& order) {
  for (const std::size_t i : order) {
    const int error = error_of(JoinNamespace{wanted[i].fd, wanted[i].kind});
    if (error != 0) return error;
  }
  return 0;
}

TEST(JoinOrder, OfTheHostsTheirUserNamespaceAndWhatThatOwns) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  const Process hosts = hold(CLONE_NEWNET);
  const Process theirs = hold(CLONE_NEWUSER | CLONE_NEWUTS);
  const UniqueFd uts = open_namespace(ns_path(theirs.pid(), Kind::uts), Kind::uts);
  const UniqueFd user = open_namespace(ns_path(theirs.pid(), Kind::user), Kind::user);
  const UniqueFd net = open_namespace(ns_path(hosts.pid(), Kind::net), Kind::net);
  const std::vector<NamespaceToJoin> wanted{
      {Kind::uts, uts.get()}, {Kind::user, user.get()}, {Kind::net, net.get()}};
  EXPECT_EQ(join_order(wanted), (std::vector<std::size_t>{2, 1, 0}));
  minidocker::testing::in_child([&] { EXPECT_EQ(join_in_order(wanted, join_order(wanted)), 0); });
  minidocker::testing::in_child(
      [&] { EXPECT_EQ(join_in_order(wanted, {1, 0, 2}), EPERM) << "the user namespace first"; });
}

TEST(JoinOrder, AnOrdinaryUserGetsThePowerFromTheUserNamespace) {
  MD_NEEDS("user", "userns");
  as_user([] {
    const Process theirs = hold(CLONE_NEWUSER | CLONE_NEWUTS);
    const UniqueFd uts = open_namespace(ns_path(theirs.pid(), Kind::uts), Kind::uts);
    const UniqueFd user = open_namespace(ns_path(theirs.pid(), Kind::user), Kind::user);
    const std::vector<NamespaceToJoin> wanted{{Kind::uts, uts.get()}, {Kind::user, user.get()}};
    EXPECT_EQ(join_order(wanted), (std::vector<std::size_t>{1, 0}));
    EXPECT_EQ(join_in_order(wanted, join_order(wanted)), 0);
  });
}

TEST(Join, ATimeNamespaceIsEnteredAtOnce) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process there = hold(CLONE_NEWTIME);
  const UniqueFd time = open_namespace(ns_path(there.pid(), Kind::time), Kind::time);
  minidocker::testing::in_child([&] {
    EXPECT_EQ(error_of(JoinNamespace{time.get(), Kind::time}), 0);
    EXPECT_EQ(namespace_inode(::getpid(), "time"), namespace_inode(there.pid(), "time"));
  });
}

TEST(Join, APidNamespaceIsNotEnteredByTheCaller) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process there = hold(CLONE_NEWPID);
  const UniqueFd pid = open_namespace(ns_path(there.pid(), Kind::pid), Kind::pid);
  const ino_t before = namespace_inode(::getpid(), "pid");
  minidocker::testing::in_child([&] {
    EXPECT_EQ(error_of(JoinNamespace{pid.get(), Kind::pid}), 0);
    EXPECT_EQ(namespace_inode(::getpid(), "pid"), before);
  });
}

TEST(Join, AnOrdinaryFileIsNoNamespace) {
  try {
    (void)open_namespace("/dev/null", Kind::net);
    ADD_FAILURE() << "taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/dev/null: not a namespace, wanted one of kind net"));
  }
}

TEST(Join, AMissingFileIsNotFound) {
  try {
    (void)open_namespace("/proc/self/ns/nothing", Kind::net);
    ADD_FAILURE() << "taken";
  } catch (const SystemError& error) {
    EXPECT_EQ(error.code(), ENOENT);
  }
}

TEST(Join, ANamespaceOfRootIsEPERMForAnOrdinaryUser) {
  MD_NEEDS("user");
  as_user([] {
    const UniqueFd own = open_namespace("/proc/self/ns/net", Kind::net);
    EXPECT_EQ(error_of(JoinNamespace{own.get(), Kind::net}), EPERM);
  });
}

TEST(Join, OnesOwnUserNamespaceIsEINVAL) {
  minidocker::testing::in_child([] {
    const UniqueFd own = open_namespace("/proc/self/ns/user", Kind::user);
    EXPECT_EQ(error_of(JoinNamespace{own.get(), Kind::user}), EINVAL);
  });
}

TEST(Join, AnAncestorsPidNamespaceIsEINVAL) {
  MD_NEEDS("root");
  const Leaks leaks;
  const UniqueFd outer = open_namespace("/proc/self/ns/pid", Kind::pid);
  in_sandbox([&outer] { EXPECT_EQ(error_of(JoinNamespace{outer.get(), Kind::pid}), EINVAL); },
             {.flags = CLONE_NEWPID});
}

TEST(Join, AKindThatTheDescriptorIsNotIsEINVAL) {
  const UniqueFd uts = open_namespace("/proc/self/ns/uts", Kind::uts);
  minidocker::testing::in_child(
      [&uts] { EXPECT_EQ(error_of(JoinNamespace{uts.get(), Kind::net}), EINVAL); });
}

TEST(Join, AnEndedProcessIsESRCH) {
  MD_NEEDS("root");
  Process process = Process::spawn({"/bin/true"});
  const UniqueFd pidfd = sys::dup(process.pidfd()).or_throw();
  (void)process.wait();
  minidocker::testing::in_child(
      [&pidfd] { EXPECT_EQ(error_of(JoinProcess{pidfd.get(), CLONE_NEWUTS}), ESRCH); });
}

}  // namespace
}  // namespace minidocker::namespaces
