// mini-docker where systemd owns the tree of groups: it is asked, without being told to.
#include <unistd.h>

#include <memory>
#include <string>

#include "mini_docker_fixture.hpp"

namespace minidocker::system_test {
namespace {

class SystemdHost : public MiniDockerTest {
 protected:
  void SetUp() override {
    MD_NEEDS("systemd", "cgroup2");
    MiniDockerTest::SetUp();
  }
};

TEST_F(SystemdHost, ContainersLiveInScopesWithTheirLimits) {
  const std::string found =
      testing::run_command({"find", "/sys/fs/cgroup", "-name", "mini-docker-*.scope"}).out;
  EXPECT_EQ(output({"-m", "64m", "--pids-limit", "20"},
                   "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"),
            "67108864\n20\n");
  EXPECT_EQ(testing::run_command({"find", "/sys/fs/cgroup", "-name", "mini-docker-*.scope"}).out,
            found);
}

TEST_F(SystemdHost, ExplainSaysWhichDriverAndWhy) {
  const CommandResult result = docker({"--explain", "run", "--rm", "busybox", "true"});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_NE(result.err.find("choose the cgroup driver systemd"), std::string::npos);
  EXPECT_NE(result.err.find("have systemd make mini-docker-"), std::string::npos);
}

TEST_F(SystemdHost, TheOtherDriverCanBeNamed) {
  const CommandResult result =
      docker({"--cgroup-driver", "cgroupfs", "--explain", "run", "--rm", "busybox", "true"});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_EQ(result.err.find(".scope"), std::string::npos);
}

TEST_F(SystemdHost, AParentThatIsNoSliceIsRefused) {
  expect_refused(run({"--cgroup-parent", "/p"}, "true"), 125, "no name of a slice");
}

using CgroupDriverFlag = MiniDockerTest;

TEST_F(CgroupDriverFlag, AnUnknownOneIsRefused) {
  MD_NEEDS("root");
  const CommandResult result = docker({"--cgroup-driver", "docker", "run", "busybox"});
  EXPECT_EQ(result.exit_code, 125);
  EXPECT_NE(result.err.find("unknown cgroup driver: docker"), std::string::npos) << result.err;
}

/// An ordinary user, in a login session: no group is delegated to that, but the user's systemd has
/// some to give.
class DelegatedUser : public ::testing::Test {
 protected:
  void SetUp() override {
    MD_NEEDS("delegated", "userns", "busybox");
    state_ = std::make_unique<State>(false);
  }
  CommandResult run(Words flags, const std::string& script) const {
    flags.insert(flags.begin(), {"run", "--rm"});
    flags.insert(flags.end(), {"busybox", "sh", "-c", script});
    return state_->call(flags);
  }
  std::unique_ptr<State> state_;
};

TEST_F(DelegatedUser, HasLimits) {
  const CommandResult result =
      run({"--pids-limit", "5"}, "for i in 1 2 3 4 5 6 7 8; do sleep 9 & done; echo unreached");
  EXPECT_EQ(result.out.find("unreached"), std::string::npos) << result.in_words();
  EXPECT_NE(result.err.find("fork"), std::string::npos) << result.in_words();
  EXPECT_EQ(run({"-m", "64m"}, "echo here").out, "here\n");
}

TEST_F(DelegatedUser, HearsWhatIsNotDelegatedAndHowToHaveIt) {
  const CommandResult result = run({"--cpuset-cpus", "0"}, "true");
  EXPECT_EQ(result.exit_code, 125);
  EXPECT_NE(result.err.find("user@.service.d/delegate.conf"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace minidocker::system_test
