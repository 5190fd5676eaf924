#include "run_flags.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "flag_parser.hpp"
#include "minidocker/testing/observe.hpp"
#include "refused_flags.hpp"
#include "usage_error.hpp"
#include "words.hpp"

namespace minidocker::cli {
namespace {

using engine::NamespaceMode;
using Words = std::vector<std::string>;

std::string error_of(const Words& args) {
  try {
    static_cast<void>(parse_run(args));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "taken";
}

TEST(RunFlags, FlagsEndAtTheImage) {
  const engine::CreateRequest request =
      parse_run({"-it", "--rm", "busybox", "ls", "-l", "--", "--rm"});
  EXPECT_TRUE(request.interactive && request.terminal && request.auto_remove);
  EXPECT_EQ(request.image, "busybox");
  EXPECT_EQ(request.command, (Words{"ls", "-l", "--", "--rm"}));
}

TEST(RunFlags, ADoubleDashMayStandBeforeTheImage) {
  const engine::CreateRequest request = parse_run({"--rm", "--", "busybox", "--", "x"});
  EXPECT_EQ(request.image, "busybox");
  EXPECT_EQ(request.command, (Words{"--", "x"}));
}

TEST(RunFlags, ValuesMayStickToTheirFlags) {
  const engine::CreateRequest request =
      parse_run({"-m64m", "--cpus=0.5", "--name=web", "-e", "A=1", "-eB=2", "--pids-limit", "-1",
                 "--read-only=false", "box"});
  EXPECT_EQ(request.limits.memory, Bytes{64 << 20});
  EXPECT_EQ(request.limits.nano_cpus, 500'000'000);
  EXPECT_EQ(request.name, "web");
  EXPECT_EQ(request.env, (Words{"A=1", "B=2"}));
  EXPECT_EQ(request.limits.pids, -1);
  EXPECT_FALSE(request.read_only);
  EXPECT_EQ(request.image, "box");
}

TEST(RunFlags, EveryFlagReachesTheRequest) {
  const engine::CreateRequest request = parse_run({"-h",
                                                   "host",
                                                   "-w",
                                                   "/w",
                                                   "-u",
                                                   "1:2",
                                                   "-v",
                                                   "/a:/b:ro",
                                                   "--mount",
                                                   "type=bind,src=/c,dst=/d",
                                                   "--tmpfs",
                                                   "/t:size=1m",
                                                   "--read-only",
                                                   "--ulimit",
                                                   "nofile=5:6",
                                                   "--cap-add",
                                                   "NET_ADMIN",
                                                   "--cap-drop",
                                                   "ALL",
                                                   "--security-opt",
                                                   "no-new-privileges",
                                                   "--privileged",
                                                   "--pid",
                                                   "host",
                                                   "--ipc",
                                                   "none",
                                                   "--uts",
                                                   "host",
                                                   "--network",
                                                   "host",
                                                   "--init",
                                                   "--entrypoint",
                                                   "sh",
                                                   "--runtime",
                                                   "crun",
                                                   "box"});
  EXPECT_EQ(request.hostname, "host");
  EXPECT_EQ(request.working_dir, "/w");
  EXPECT_EQ(request.user, "1:2");
  ASSERT_EQ(request.mounts.size(), 3U);
  EXPECT_TRUE(request.mounts[0].read_only);
  EXPECT_EQ(request.mounts[1].target, "/d");
  EXPECT_EQ(request.mounts[2].options, Words{"size=1m"});
  EXPECT_TRUE(request.read_only && request.privileged && request.init);
  EXPECT_EQ(request.ulimits, (std::vector<engine::Ulimit>{{"nofile", 5, 6}}));
  EXPECT_EQ(request.cap_add, Words{"NET_ADMIN"});
  EXPECT_EQ(request.cap_drop, Words{"ALL"});
  EXPECT_TRUE(request.no_new_privileges);
  EXPECT_EQ(request.pid, NamespaceMode::host);
  EXPECT_EQ(request.uts, NamespaceMode::host);
  EXPECT_EQ(request.network, NamespaceMode::host);
  EXPECT_EQ(request.ipc, engine::IpcMode::none);
  EXPECT_EQ(request.entrypoint, Words{"sh"});
  EXPECT_EQ(request.runtime, "crun");
}

TEST(RunFlags, EveryLimitReachesTheRequest) {
  const engine::CreateRequest request = parse_run(
      split("-m 64m --memory-swap -1 --memory-reservation 32m --memory-swappiness=0 "
            "--oom-kill-disable --cpus=1 -c 512 --cpu-period 1 --cpu-quota 2 --cpu-rt-period 3 "
            "--cpu-rt-runtime 4 --cpuset-cpus 0 --cpuset-mems 1 --pids-limit 5 --blkio-weight 6 "
            "--blkio-weight-device /dev/a:10 --device-read-bps /dev/b:1 --device-write-bps "
            "/dev/c:2 --device-read-iops /dev/d:3 --device-write-iops /dev/e:4 --cgroup-parent /p "
            "box",
            ' '));
  const engine::LimitsRequest& limits = request.limits;
  EXPECT_EQ(limits.memory, Bytes{64 << 20});
  EXPECT_EQ(limits.memory_swap, -1);
  EXPECT_EQ(limits.memory_reservation, Bytes{32 << 20});
  EXPECT_EQ(limits.memory_swappiness, 0);
  EXPECT_TRUE(limits.oom_kill_disable);
  EXPECT_EQ(limits.nano_cpus, 1'000'000'000);
  EXPECT_EQ(limits.cpu_shares, 512);
  EXPECT_EQ(limits.cpu_period, 1);
  EXPECT_EQ(limits.cpu_quota, 2);
  EXPECT_EQ(limits.cpu_rt_period, 3);
  EXPECT_EQ(limits.cpu_rt_runtime, 4);
  EXPECT_EQ(limits.cpuset_cpus, "0");
  EXPECT_EQ(limits.cpuset_mems, "1");
  EXPECT_EQ(limits.pids, 5);
  EXPECT_EQ(limits.blkio_weight, 6);
  EXPECT_EQ(limits.blkio_weight_device, (std::vector<engine::DeviceWeight>{{"/dev/a", 10}}));
  EXPECT_EQ(limits.device_read_bps, (std::vector<engine::DeviceRate>{{"/dev/b", 1}}));
  EXPECT_EQ(limits.device_write_bps, (std::vector<engine::DeviceRate>{{"/dev/c", 2}}));
  EXPECT_EQ(limits.device_read_iops, (std::vector<engine::DeviceRate>{{"/dev/d", 3}}));
  EXPECT_EQ(limits.device_write_iops, (std::vector<engine::DeviceRate>{{"/dev/e", 4}}));
  EXPECT_EQ(limits.cgroup_parent, "/p");
}

TEST(RunFlags, DevicesAndTheScoreReachTheRequest) {
  const engine::CreateRequest request = parse_run(
      {"--oom-score-adj", "-7", "--device", "/dev/f", "--device-cgroup-rule", "c 1:3 r", "box"});
  EXPECT_EQ(request.oom_score_adj, -7);
  EXPECT_EQ(request.devices, (std::vector<engine::DeviceRequest>{{"/dev/f", "/dev/f", "rwm"}}));
  EXPECT_EQ(request.device_rules, Words{"c 1:3 r"});
}

TEST(RunFlags, OfSeveralLimitsEachIsLookedAtAndTheLastHolds) {
  EXPECT_EQ(parse_run({"-m", "64m", "--memory=32m", "box"}).limits.memory, Bytes{32 << 20});
  EXPECT_EQ(parse_run({"-m", "64m", "-m", "0", "box"}).limits.memory, std::nullopt);
  EXPECT_NE(error_of({"-m", "lots", "-m", "64m", "box"}).find("lots"), std::string::npos);
}

TEST(RunFlags, AnEmptyEntrypointIsOneInBothSpellings) {
  for (const Words& args :
       {Words{"--entrypoint", "", "box", "id"}, Words{"--entrypoint=", "box", "id"}}) {
    const engine::CreateRequest request = parse_run(args);
    EXPECT_EQ(request.entrypoint, Words{});
    EXPECT_EQ(request.image, "box");
    EXPECT_EQ(request.command, Words{"id"});
  }
}

TEST(RunFlags, AnEqualsSignMayStandBehindShortFlags) {
  const engine::CreateRequest request =
      parse_run({"-e=A=B", "-m=64m", "-w=/srv", "-iu=1000", "-v=/tmp:/x", "-h=box", "box", "-e=x"});
  EXPECT_EQ(request.env, Words{"A=B"});
  EXPECT_EQ(request.limits.memory, Bytes{64 << 20});
  EXPECT_EQ(request.working_dir, "/srv");
  EXPECT_EQ(request.user, "1000");
  EXPECT_EQ(request.hostname, "box");
  EXPECT_TRUE(request.interactive);
  ASSERT_EQ(request.mounts.size(), 1U);
  EXPECT_EQ(request.mounts[0].target, "/x");
  EXPECT_EQ(request.command, Words{"-e=x"}) << "behind the image nothing is a flag";
}

TEST(RunFlags, AnEmptyValueLeavesTheChoiceToImageAndDocker) {
  for (const Words& args :
       {Words{"-u", "", "-w", "", "-h", "", "--name", "", "box", "-x"},
        Words{"-u=", "-w=", "-h=", "--name=", "box", "-x"},
        Words{"--user=", "--workdir=", "--hostname=", "--name=", "box", "-x"}}) {
    const engine::CreateRequest request = parse_run(args);
    EXPECT_FALSE(request.user || request.working_dir || request.hostname || request.name);
    EXPECT_EQ(request.image, "box");
    EXPECT_EQ(request.command, Words{"-x"});
  }
}

TEST(RunFlags, ABadTruthIsNamedWhateverTheCommandLooksLike) {
  const std::string error = error_of({"--rm=maybe", "busybox", "ls", "-l"});
  EXPECT_NE(error.find("maybe"), std::string::npos) << error;
  EXPECT_EQ(error.find("needs an argument"), std::string::npos) << error;
}

TEST(RunFlags, TheLastOfSeveralHolds) {
  EXPECT_EQ(parse_run({"--name", "a1", "--name", "b2", "box"}).name, "b2");
}

TEST(RunFlags, UnknownFlagsAreNamedAsDockerNamesThem) {
  EXPECT_EQ(error_of({"--foo=1", "box"}), "unknown flag: --foo");
  EXPECT_EQ(error_of({"-Z", "box"}), "unknown shorthand flag: 'Z' in -Z");
  EXPECT_EQ(error_of({"--name"}), "flag needs an argument: --name");
  EXPECT_EQ(error_of({"-iu"}), "flag needs an argument: 'u' in -iu");
  EXPECT_EQ(error_of({"--rm"}), "'mini-docker run' requires at least 1 argument");
}

TEST(RunFlags, WhatIsNotSupportedIsRefusedByName) {
  EXPECT_EQ(error_of({"-d", "box"}).rfind("run -d: not supported yet: ", 0), 0U);
  EXPECT_EQ(error_of({"--detach", "box"}).rfind("run --detach: not supported yet: ", 0), 0U);
  EXPECT_EQ(error_of({"-p", "80:80", "box"}).rfind("run -p: not supported yet: ", 0), 0U);
  EXPECT_EQ(error_of({"--publish=80:80", "box"}).rfind("run --publish: not supported yet", 0), 0U);
  EXPECT_EQ(error_of({"-v", "data:/data", "box"}).rfind("run -v data:/data: not supported", 0), 0U);
}

TEST(RunFlags, EveryRefusedFlagIsRefused) {
  for (const RefusedFlag& flag : refused_flags()) {
    for (const std::string& name : split(flag.spelling, ',')) {
      Words args{name};
      if (flag.kind == FlagKind::with_value) args.emplace_back("1");
      args.emplace_back("box");
      EXPECT_EQ(error_of(args).rfind("run " + name + ": not supported yet", 0), 0U) << name;
    }
  }
}

// The file is what `docker run --help` of docker 28.2.2 lists, an option a line: "-a,--attach
// list"; what it takes stands behind a blank. The last three are aliases that it does not list.
TEST(RunFlags, EveryFlagOfDockersIsKnown) {
  const std::string list =
      testing::read_text(MD_SOURCE_DIR "/mini-docker/cli/tests/docker-run-flags.txt");
  for (const std::string& line : testing::lines_of(list)) {
    const bool has_value = line.find(' ') != std::string::npos;
    for (const std::string& name : split(line.substr(0, line.find(' ')), ',')) {
      Words args{name};
      if (has_value) args.emplace_back("1");
      args.emplace_back("box");
      const std::string error = error_of(args);
      EXPECT_EQ(error.find("unknown"), std::string::npos) << name << ": " << error;
      EXPECT_EQ(error.find("requires"), std::string::npos) << name << " takes no value: " << error;
    }
  }
}

TEST(RunFlags, RefusedFlagsBehindTheImageBelongToTheCommand) {
  EXPECT_EQ(parse_run({"box", "-d", "-p", "80"}).command, (Words{"-d", "-p", "80"}));
}

TEST(RunFlags, HelpIsNoError) {
  EXPECT_THROW(static_cast<void>(parse_run({"--help"})), HelpWanted);
  EXPECT_EQ(parse_run({"box", "--help"}).command, Words{"--help"});
}

}  // namespace
}  // namespace minidocker::cli
