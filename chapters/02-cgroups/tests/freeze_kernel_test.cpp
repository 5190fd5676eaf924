// Stopping and ending all of a group.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "work.hpp"

namespace minidocker::cgroups {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

int count_for_ever() {
  while (true) ++board->count;
}

bool goes_on() {
  const std::uint64_t before = board->count;
  return eventually([&] { return board->count > before; });
}

/// Stands the counter still, over a time in which it would have gone far?
bool stands_still() {
  const std::uint64_t before = board->count;
  ::poll(nullptr, 0, 30);
  return board->count == before;
}

TEST_P(EachDriver, FrozenCounterStandsStillAndGoesOn) {
  NEED(false);
  covers("freeze and thaw");
  clear_board();
  Cgroup group = make();
  Process child = start_in(group, count_for_ever);
  ASSERT_TRUE(goes_on());
  EXPECT_FALSE(group.is_frozen());
  group.freeze();
  EXPECT_TRUE(group.is_frozen());
  EXPECT_TRUE(stands_still());
  group.freeze();
  group.thaw();
  EXPECT_FALSE(group.is_frozen());
  EXPECT_TRUE(goes_on());
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(child).signal);
}

TEST_P(EachDriver, GroupsBelowAreFrozenToo) {
  NEED(false);
  covers("freeze: groups below");
  clear_board();
  Cgroup group = make();
  Cgroup inner = Cgroup::create(below(group, "inner"));
  Process child = start_in(inner, count_for_ever);
  ASSERT_TRUE(goes_on());
  group.freeze();
  EXPECT_TRUE(stands_still());
  EXPECT_TRUE(inner.is_frozen());
  const std::string error = error_of(ErrorKind::conflict, [&] { inner.thaw(milliseconds(50)); });
  EXPECT_THAT(error, HasSubstr("a group above it is frozen"));
  group.thaw();
  EXPECT_TRUE(goes_on());
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(child).signal);
}

TEST_P(EachDriver, TreeThatGoesOnForkingIsFrozen) {
  NEED(true);
  covers("freeze: while it forks");
  clear_board();
  Cgroup group = make();
  group.apply({.pids = 60});
  Process child = start_in(group, [] {
    bomb();
    return 0;
  });
  ASSERT_TRUE(eventually([] { return board->count > 40; }));
  group.freeze();
  EXPECT_TRUE(stands_still());
  group.kill_all(seconds(2));
  EXPECT_TRUE(group.processes().empty()) << "frozen ones too";
  EXPECT_EQ(SIGKILL, end_of(child).signal);
  reap_orphans();
}

TEST_P(EachDriver, ForkBombIsEndedByOneCallInTwoSeconds) {
  NEED(true);
  covers("kill: a fork bomb");
  clear_board();
  Cgroup group = make();
  group.apply({.pids = 80});
  Process child = start_in(group, [] {
    bomb();
    return 0;
  });
  ASSERT_TRUE(eventually([] { return board->count > 75; }));
  const auto before = std::chrono::steady_clock::now();
  group.kill_all();
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(2));
  EXPECT_TRUE(group.processes().empty());
  EXPECT_EQ(SIGKILL, end_of(child).signal);
  reap_orphans();
}

TEST_P(EachDriver, GroupsBelowAreKilledToo) {
  NEED(false);
  covers("kill: groups below");
  Cgroup group = make();
  Cgroup inner = Cgroup::create(below(group, "inner"));
  Process child = start_in(inner, wait_for_death);
  ASSERT_TRUE(gets_members(inner));
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(child).signal);
}

class V1Freezer : public Groups {
 protected:
  void SetUp() override { need(Version::v1, true); }
};

TEST_F(V1Freezer, ThatIsNotMountedIsMissedByName) {
  std::erase_if(layout_.hierarchies, [](const Hierarchy& h) { return h.controllers == "freezer"; });
  const Cgroup group = make();
  EXPECT_THAT(error_of(ErrorKind::unavailable, [&] { group.freeze(); }),
              HasSubstr("this host has no freezer controller"));
  EXPECT_FALSE(group.is_frozen());
}

TEST_F(V1Freezer, ProcessThatLeftTheFirstHierarchyIsStillAMember) {
  Cgroup group = make();
  Process child = start_in(group, wait_for_death);
  ASSERT_TRUE(gets_members(group));
  testing::write_text(layout_.hierarchies.front().mount + "/cgroup.procs",
                      std::to_string(child.pid()));
  EXPECT_EQ(std::vector<pid_t>{child.pid()}, group.processes());
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(child).signal);
}

}  // namespace
}  // namespace minidocker::cgroups
