#include "minidocker/namespaces/inspect.hpp"

#include <linux/sched.h>

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using namespaces::testing::as_user;
using namespaces::testing::hold;
using namespaces::testing::Leaks;

TEST(Inspect, TheInodeIsTheOneThatReadlinkShows) {
  for (const Kind kind : all_kinds()) {
    const std::string path = std::string("/proc/self/ns/") + proc_name(kind);
    EXPECT_EQ(fmt::format("{}:[{}]", proc_name(kind), identify(0, kind).ino),
              minidocker::testing::link_target(path));
  }
}

TEST(Inspect, ProcessesThatShareANamespaceShareItsIdentity) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process process = hold(CLONE_NEWUTS);
  EXPECT_EQ(identify(process.pid(), Kind::net), identify(0, Kind::net));
  EXPECT_NE(identify(process.pid(), Kind::uts), identify(0, Kind::uts));
}

TEST(Inspect, NsPidsHasANumberForEachNestedNamespace) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process process = hold(CLONE_NEWPID);
  EXPECT_EQ(ns_pids(process.pid()), (std::vector<pid_t>{process.pid(), 1}));
  EXPECT_EQ(ns_pids(0), (std::vector<pid_t>{::getpid()}));
}

TEST(Inspect, AProcessThatIsNotThereIsNotFound) {
  constexpr pid_t kNobody = 0x3fffff;  // above any pid_max of a test machine, within the kernel's
  EXPECT_FALSE(find_namespace(kNobody, Kind::net).has_value());
  EXPECT_THROW((void)identify(kNobody, Kind::net), SystemError);
  EXPECT_THROW((void)ns_pids(kNobody), SystemError);
}

TEST(Inspect, AnotherUsersProcessMayNotBeLookedAt) {
  MD_NEEDS("user");
  as_user([] { EXPECT_FALSE(find_namespace(1, Kind::net).has_value()); });
}

TEST(Inspect, TheKindsThatDifferAreThoseMadeForIt) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process process = hold(CLONE_NEWUTS | CLONE_NEWPID);
  EXPECT_EQ(differing_kinds(process.pid()), std::uint64_t{CLONE_NEWUTS | CLONE_NEWPID});
  EXPECT_EQ(differing_kinds(::getpid()), 0U);
}

TEST(Survey, CountsWhomItMayNotLookAt) {
  MD_NEEDS("root", "user");
  const Process one = hold(0);
  const Process two = hold(0);
  // Even root may not look at everybody on every machine.
  const std::size_t hidden_from_root = survey().hidden;
  as_user([hidden_from_root] {
    EXPECT_GE(survey().hidden, hidden_from_root + 3) << "the two, and whoever runs this test";
  });
}

TEST(Survey, FindsANewNamespaceWithItsOnlyMember) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process process = hold(CLONE_NEWIPC);
  const NamespaceId id = identify(process.pid(), Kind::ipc);
  const std::vector<Population> all = survey().populations;
  const auto found = std::find_if(all.begin(), all.end(), [&id](const Population& population) {
    return population.kind == Kind::ipc && population.id == id;
  });
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->processes, 1U);
  EXPECT_EQ(found->lowest, process.pid());
  EXPECT_EQ(found->command, "/bin/sleep 1000");
}

TEST(Survey, OfAProcessHasOneNamespaceOfEachKind) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process process = hold(CLONE_NEWNET | CLONE_NEWNS);
  const std::vector<Population> own = survey_of({process.pid()}).populations;
  ASSERT_EQ(own.size(), all_kinds().size());
  for (const Population& population : own) {
    EXPECT_EQ(population.id, identify(process.pid(), population.kind));
    const bool alone = population.kind == Kind::net || population.kind == Kind::mnt;
    EXPECT_EQ(population.processes == 1, alone) << proc_name(population.kind);
  }
}

TEST(Survey, AProcessWithoutACommandLineIsShownByItsName) {
  MD_NEEDS("root");
  minidocker::testing::in_child([] {
    // One that has ended and was not waited for yet has a name, and no command line any more.
    ASSERT_TRUE(sys::unshare(CLONE_NEWPID).ok());
    ASSERT_TRUE(sys::set_name("ghost").ok());
    const sys::Cloned ghost = sys::clone3({}).or_throw();
    if (ghost.pid == 0) sys::exit_group(0);
    (void)sys::wait_pidfd(ghost.pidfd.get(), WEXITED | WNOWAIT);
    const std::vector<Population> own = survey_of({ghost.pid}).populations;
    ASSERT_FALSE(own.empty());
    EXPECT_EQ(own.front().command, "[ghost]");
    (void)sys::wait_pidfd(ghost.pidfd.get(), WEXITED);
  });
}

}  // namespace
}  // namespace minidocker::namespaces
