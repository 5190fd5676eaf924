#include <fcntl.h>

#include <chrono>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "group_fixture.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/sys/bpf.hpp"

namespace minidocker::cgroups {
namespace {

using testing::read_text;
using testing::write_text;

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

class V2 : public Groups {
 protected:
  void SetUp() override { need(Version::v2, false); }
  std::string path(const std::string& name = "web") const {
    return place(name).directories.front().path();
  }
};

TEST_F(V2, FrozenGroupIsRefused) {
  const Cgroup group = make();
  write_text(path() + "/cgroup.freeze", "1");
  // Freezing an empty group is done at once.
  const std::string error = error_of(ErrorKind::conflict, [&] { (void)make(); });
  EXPECT_NE(std::string::npos, error.find("unexpectedly frozen")) << error;
}

TEST_F(V2, FrozenProcessesAreKilled) {
  Cgroup group = make();
  Process child = start_in(group, wait_for_death);
  write_text(path() + "/cgroup.freeze", "1");
  group.kill_all();
  EXPECT_EQ(SIGKILL, end_of(child).signal);
}

TEST_F(V2, ChildIsBornInsideWithoutAStep) {
  Cgroup group = make();
  ChildPlan plan;
  sys::CloneArgs clone;
  group.enter_by(plan, clone);
  EXPECT_EQ(0U, plan.size());
  EXPECT_GE(clone.cgroup, 0);
}

TEST_F(V2, KillOfAGroupThatIsGoneIsDone) {
  Cgroup group = make();
  const Cgroup other = Cgroup::reopen(group.location());
  group.remove();
  EXPECT_NO_THROW(other.kill_all());
}

// systemd hands hugetlb to nobody, and others may have made the group.
TEST_F(V2, ControllerThatIsNotHandedDownYetIsWhenALimitNeedsIt) {
  MD_NEEDS("cgroup2");
  const Cgroup group = make();
  const Location inner = below(group, "inner");
  ASSERT_EQ(0, ::mkdir(inner.directories[0].path().c_str(), 0755));
  EXPECT_EQ("", read_text(inner.directories[0].path() + "/cgroup.controllers"));
  Cgroup::reopen(inner).apply({.memory = {.limit = Bytes{1 << 24}}});
  EXPECT_EQ("16777216\n", read_text(inner.directories[0].path() + "/memory.max"));
}

TEST_F(V2, LimitWithoutItsControllerNamesDelegation) {
  const Cgroup group = make();
  const std::string error =
      error_of(ErrorKind::unavailable, [&] { group.apply({.unified = {{"none.max", "1"}}}); });
  EXPECT_NE(std::string::npos, error.find("cgroup file: there is no ")) << error;
  EXPECT_NE(std::string::npos, error.find("cgroup.subtree_control")) << error;
}

TEST_F(V2, OneDeviceProgramIsAttachedHoweverOftenRulesAreSet) {
  const Cgroup group = make();
  group.apply_devices({{}});
  group.apply_devices(default_device_rules());
  group.apply_devices(default_device_rules());
  const UniqueFd directory(::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(1U, sys::bpf_attached_devices(directory.get()).or_throw().count);
}

TEST_F(V2, ProgramThatTheVerifierRefusesIsAnError) {
  const struct bpf_insn nonsense{};
  EXPECT_FALSE(sys::bpf_load_cgroup_device({&nonsense, 1}, "nonsense"));
  EXPECT_EQ(EBADF, sys::bpf_attach_device(-1, -1).error());
  EXPECT_NE(0, sys::bpf_program_by_id(0xFFFFFFF0).error());
}

TEST_F(V2, ControllersAreHandedDownToTheNewGroupAndNeverTakenAway) {
  MD_NEEDS("root", "cgroup2");
  const std::string before = read_text(layout_.hierarchies[0].mount + "/cgroup.subtree_control");
  const Cgroup group = make("a/b");
  const std::string controllers = read_text(path("a/b") + "/cgroup.controllers");
  for (const char* controller : {"cpu", "memory", "pids"}) {
    EXPECT_NE(std::string::npos, controllers.find(controller)) << controllers;
  }
  const std::string after = read_text(layout_.hierarchies[0].mount + "/cgroup.subtree_control");
  for (const std::string& controller : words(before)) {
    EXPECT_THAT(words(after), ::testing::Contains(controller));
  }
  Cgroup::reopen(place("a")).remove(std::chrono::milliseconds(100));
}

TEST_F(V2, LimitThatAGroupAboveRefusesNamesTheErrno) {
  MD_NEEDS("root", "cgroup2");
  Cgroup above = make("above");
  Process child = start_in(above, wait_for_death);
  const Cgroup group = make("above/below");
  const std::string error =
      error_of(ErrorKind::unavailable, [&] { group.apply({.memory = {.limit = Bytes{1 << 24}}}); });
  EXPECT_THAT(error, ::testing::HasSubstr("above/cgroup.subtree_control refuses it: EBUSY, as that "
                                          "group holds processes itself"));
  EXPECT_EQ("domain\n", read_text(path("above/below") + "/cgroup.type")) << "it can be entered";
  above.kill_all();
  EXPECT_EQ(SIGKILL, end_of(child).signal);
}

TEST_F(V2, FailureToMakeTheGroupLeavesNothing) {
  Location location = place("web");
  location.directories[0].mount = "/nonexistent";
  EXPECT_THROW((void)Cgroup::create(location), SystemError);
}

}  // namespace
}  // namespace minidocker::cgroups
