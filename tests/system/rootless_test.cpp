#include <string>

#include "mini_docker_fixture.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::system_test {
namespace {

/// Everything that an ordinary user can do, done by one.
class RootlessTest : public MiniDockerTest {
 protected:
  void SetUp() override {
    MD_NEEDS("root", "user", "userns", "overlay", "busybox");
    MiniDockerTest::SetUp();
  }
  [[nodiscard]] const State& state() const override {
    static const State state(true);
    return state;
  }
};

TEST_F(RootlessTest, RunsAsRootOfAUserNamespace) {
  EXPECT_EQ(output({}, "id -u; echo $$; cat /etc/layer3"), "0\n1\nlayer 3 was here\n");
}

TEST_F(RootlessTest, FlagsWorkAsForRoot) {
  EXPECT_EQ(output({"-e", "A=1", "-w", "/w", "-h", "box", "--tmpfs", "/t"},
                   "echo $A $PWD $(hostname); touch /t/x && echo made"),
            "1 /w box\nmade\n");
  EXPECT_EQ(run({"-i"}, "cat", {.input = "in"}).out, "in");
  EXPECT_EQ(output({"--read-only"}, "touch /x 2>/dev/null || echo refused"), "refused\n");
  EXPECT_EQ(output({"--cap-drop", "ALL"}, "grep CapEff /proc/self/status"),
            "CapEff:\t0000000000000000\n");
  EXPECT_EQ(output({"--network", "none"}, "ls /sys/class/net"), "lo\n");
  EXPECT_EQ(docker({"run", "--rm", "--entrypoint", "echo", "busybox", "x"}).out, "x\n");
}

TEST_F(RootlessTest, VolumesAreWrittenAsTheUser) {
  const TempDir dir;
  const testing::User user = testing::unprivileged_user();
  ASSERT_EQ(::chown(dir.path().c_str(), user.uid, user.gid), 0);
  EXPECT_EQ(output({"-v", dir.path() + ":/data"}, "echo x > /data/file; stat -c %u /data/file"),
            "0\n");
  EXPECT_EQ(read_file(dir / "file"), "x\n");
}

// Neither a PID namespace nor a cgroup holds them then; LeakCheck looks for them.
TEST_F(RootlessTest, WhatTheProgramStartedEndsWithItEvenInTheHostsPidNamespace) {
  EXPECT_EQ(output({"--pid", "host"}, "sleep 77.5 & (setsid sleep 77.5 &) ; echo started"),
            "started\n");
}

TEST_F(RootlessTest, LoadSaysWhichOwnersCouldNotBeKept) {
  const TempDir dir;
  const testing::User user = testing::unprivileged_user();
  ASSERT_EQ(::chown(dir.path().c_str(), user.uid, user.gid), 0);
  Words command = state().command({"load", "-i", testing::path_of("busybox")});
  command[2] = dir / "state";
  const CommandResult loaded = testing::run_command(command, state().as_owner({}));
  EXPECT_EQ(loaded.exit_code, 0) << loaded.in_words();
  EXPECT_TRUE(loaded.err.starts_with("mini-docker: warning: layer ")) << loaded.in_words();
  EXPECT_NE(loaded.err.find("files of other users belong to you now"), std::string::npos);
}

TEST_F(RootlessTest, ATerminalWorks) {
  testing::RunningCommand command(
      state().command({"run", "--rm", "-it", "busybox", "sh", "-c", "test -t 0 && echo terminal"}),
      state().as_owner({.pty = true}));
  EXPECT_NE(command.wait().out.find("terminal"), std::string::npos);
}

TEST_F(RootlessTest, LimitsNeedDelegationAndSaySo) {
  for (const Words& flags : {Words{"-m", "64m"},
                             Words{"-m", "64m", "--memory-swap", "-1"},
                             Words{"--memory-reservation", "32m"},
                             Words{"--memory-swappiness", "7"},
                             Words{"--oom-kill-disable"},
                             Words{"--cpus", "1"},
                             Words{"-c", "512"},
                             Words{"--cpu-period", "50000"},
                             Words{"--cpu-quota", "50000"},
                             Words{"--cpu-rt-period", "50000"},
                             Words{"--cpu-rt-runtime", "5000"},
                             Words{"--cpuset-cpus", "0"},
                             Words{"--cpuset-mems", "0"},
                             Words{"--pids-limit", "10"},
                             Words{"--blkio-weight", "500"},
                             Words{"--blkio-weight-device", "/dev/null:500"},
                             Words{"--device-read-bps", "/dev/null:1mb"},
                             Words{"--device-write-bps", "/dev/null:1mb"},
                             Words{"--device-read-iops", "/dev/null:1"},
                             Words{"--device-write-iops", "/dev/null:1"},
                             Words{"--cgroup-parent", "/x"},
                             Words{"--device-cgroup-rule", "c 1:3 r"}}) {
    const CommandResult result = run(flags, "true");
    expect_refused(result, 125, "delegat");
    EXPECT_NE(result.err.find(flags.front() == "-m"   ? "--memory"
                              : flags.front() == "-c" ? "--cpu-shares"
                                                      : flags.front()),
              std::string::npos)
        << result.err;
  }
}

TEST_F(RootlessTest, OtherIdsNeedSubordinateOnesAndSaySo) {
  expect_refused(run({"-u", "1000"}, "true"), 125, "subordinate ids");
}

TEST_F(RootlessTest, TheImageSaysThatThereAreNoLimits) {
  const CommandResult result = docker({"run", "--rm", "busybox", "whoami-container"});
  EXPECT_NE(result.out.find("limits: none (no delegated cgroup)"), std::string::npos)
      << result.in_words();
}

}  // namespace
}  // namespace minidocker::system_test
