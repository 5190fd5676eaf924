#include "minidocker/namespaces/run.hpp"

#include <linux/sched.h>
#include <sys/mount.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/namespaces/kinds.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::CommandResult;
using minidocker::testing::in_sandbox;
using minidocker::testing::run_command;
using minidocker::testing::RunningCommand;
using namespaces::testing::as_user;
using namespaces::testing::Leaks;
using ::testing::HasSubstr;

const std::string kNsrun = MD_BINARY_DIR "/bin/nsrun";
const std::string kNsls = MD_BINARY_DIR "/bin/nsls";

std::vector<std::string> nsrun(std::vector<std::string> options, const std::string& script) {
  options.insert(options.begin(), kNsrun);
  options.insert(options.end(), {"--", "/bin/sh", "-c", script});
  return options;
}

TEST(Run, TheProgramSeesItsOwnMachine) {
  MD_NEEDS("root");
  const Leaks leaks;
  const CommandResult result =
      run_command(nsrun({"--pid", "--net", "--ipc", "--mnt", "--uts", "--cgroup", "--time",
                         "--hostname", "web", "--monotonic", "86400"},
                        "hostname; echo $$; cd /proc; echo [0-9]*; cat self/timens_offsets; "
                        "cd self/ns; for kind in pid net ipc mnt uts cgroup time user; do "
                        "readlink $kind; done"));
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  const std::vector<std::string> lines = minidocker::testing::lines_of(result.out);
  ASSERT_EQ(lines.size(), 13U) << result.in_words();
  EXPECT_EQ(lines[0], "web");
  EXPECT_EQ(lines[1], "1");
  EXPECT_EQ(lines[2], "1") << "nobody else is seen in /proc";
  EXPECT_THAT(lines[3], ::testing::MatchesRegex("monotonic +86400 +0"));
  EXPECT_THAT(lines[4], ::testing::MatchesRegex("boottime +0 +0"));
  for (std::size_t i = 0; i < 8; ++i) {
    constexpr std::array kNames{"pid", "net", "ipc", "mnt", "uts", "cgroup", "time", "user"};
    const std::string ours =
        minidocker::testing::link_target(std::string("/proc/self/ns/") + kNames[i]);
    EXPECT_EQ(lines[5 + i] == ours, kNames[i] == std::string_view("user")) << lines[5 + i];
  }
}

/// What a program finds that was started by nsrun from a careless shell.
std::string careless(const std::string& setting, const std::vector<std::string>& options,
                     const std::string& script) {
  std::vector<std::string> argv{"/bin/bash", "-c", setting + "; exec \"$@\"", "bash"};
  for (const std::string& word : nsrun(options, script)) argv.push_back(word);
  const CommandResult result = run_command(argv);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  return result.out;
}

TEST(Run, NoDescriptorOfOursReachesTheProgram) {
  MD_NEEDS("root");
  EXPECT_EQ(careless("exec 7</etc 8</etc/passwd", {"--uts"}, "ls /proc/$$/fd"), "0\n1\n2\n");
  EXPECT_EQ(careless("exec 7</etc 8</etc/passwd", {"--pid", "--time"}, "ls /proc/self/fd | wc -l"),
            "4\n")
      << "0, 1, 2 and the directory that ls lists";
}

TEST(Run, NoSignalIsBlockedOrIgnoredForTheProgram) {
  MD_NEEDS("root");
  EXPECT_EQ(
      careless("trap '' HUP PIPE USR1 CHLD", {"--uts"}, "exec grep Sig[BI] /proc/self/status"),
      "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(Run, TheExitCodeIsLearntThoughSigchldIsIgnored) {
  MD_NEEDS("root");
  const std::vector<std::string> ignoring{"env", "--ignore-signal=CHLD"};
  std::vector<std::string> argv = nsrun({"--uts"}, "exit 7");
  argv.insert(argv.begin(), ignoring.begin(), ignoring.end());
  EXPECT_EQ(run_command(argv).exit_code, 7);
}

TEST(Run, ClosedStandardDescriptorsAreTheNullDevice) {
  MD_NEEDS("root");
  const TempDir dir;
  // With 2 closed, the narration used to go into the socket to the child.
  std::vector<std::string> argv{"/bin/sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh"};
  for (const std::string& word :
       nsrun({"--uts", "--explain"},
             "fds=$(ls -l /proc/$$/fd); echo \"$fds\" > " + (dir / "fds") + "; exit 5")) {
    argv.push_back(word);
  }
  EXPECT_EQ(run_command(argv).exit_code, 5);
  const std::string fds = minidocker::testing::read_text(dir / "fds");
  for (const char* line : {"0 -> /dev/null\n", "1 -> /dev/null\n", "2 -> /dev/null\n"}) {
    EXPECT_THAT(fds, HasSubstr(line));
  }
}

class Keeper : public ::testing::TestWithParam<std::vector<std::string>> {};

TEST_P(Keeper, TakesItsProgramAlongWhenKilled) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  RunningCommand keeper(nsrun(GetParam(), "echo ready; exec sleep 1000"));
  ASSERT_TRUE(keeper.read_until("ready"));
  const std::vector<pid_t> family = minidocker::testing::descendants_of(keeper.pid());
  ASSERT_FALSE(family.empty());
  keeper.signal(SIGKILL);
  for (const pid_t pid : family) {
    EXPECT_TRUE(minidocker::testing::wait_for_end(pid, std::chrono::seconds(10))) << pid;
  }
}

TEST_P(Keeper, HandsSignalsOnToItsProgram) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  RunningCommand keeper(
      nsrun(GetParam(), "trap 'echo caught; exit 9' TERM; echo ready; read line"));
  ASSERT_TRUE(keeper.read_until("ready"));
  keeper.signal(SIGTERM);
  ASSERT_TRUE(keeper.read_until("caught"));
  EXPECT_EQ(keeper.wait().exit_code, 9);
}

INSTANTIATE_TEST_SUITE_P(Namespaces, Keeper,
                         ::testing::Values(std::vector<std::string>{"--uts"},
                                           std::vector<std::string>{"--pid", "--mnt"},
                                           std::vector<std::string>{"--user"},
                                           std::vector<std::string>{"--user", "--time", "--pid"}),
                         [](const auto& options) {
                           std::string name;
                           for (const std::string& option : options.param) name += option.substr(2);
                           return name;
                         });

TEST(Run, TheTerminalIsGivenBack) {
  MD_NEEDS("root", "tty");
  // A shell without job control: nobody else gives it back.
  const CommandResult result = run_command(
      {"/bin/sh", "-c", kNsrun + " --pid --mnt --init -- true; ps -o pgid=,tpgid= -p $$"},
      {.pty = true});
  int group = 0;
  int front = 0;
  ASSERT_EQ(::sscanf(result.out.c_str(), "%d %d", &group, &front), 2) << result.in_words();
  EXPECT_EQ(group, front);
}

TEST(Run, WhatATerminalSendsIsNotHandedOn) {
  MD_NEEDS("root", "tty");
  // Of a session of its own the program gets nothing from the terminal: what it gets is from nsrun.
  RunningCommand keeper({kNsrun, "--uts", "--", "setsid", "sh", "-c",
                         "trap 'echo caught' INT; trap 'echo ended; exit 3' TERM; echo ready; "
                         "read line"},
                        {.pty = true});
  ASSERT_TRUE(keeper.read_until("ready"));
  keeper.write("\x03");
  ASSERT_TRUE(keeper.read_until("^C")) << "echoed once the signal was sent";
  keeper.signal(SIGTERM);
  ASSERT_TRUE(keeper.read_until("ended"));
  const CommandResult result = keeper.wait();
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("caught")));
}

TEST(Run, AnOrdinaryUserIsRootOfAUserNamespace) {
  MD_NEEDS("user", "userns");
  as_user([] {
    RunOptions options;
    options.kinds = all_clone_flags();
    options.hostname = "mine";
    options.time_offsets = {{Clock::boottime, 5, 0}};
    EXPECT_EQ(
        run_in_namespaces(options, {"/bin/sh", "-c", "test $(id -u):$(hostname):$$ = 0:mine:1"}),
        0);
  });
}

TEST(Run, TheExitCodeIsTheProgramsOr128PlusItsSignal) {
  MD_NEEDS("root");
  const Leaks leaks;
  EXPECT_EQ(run_command(nsrun({"--uts"}, "exit 42")).exit_code, 42);
  EXPECT_EQ(run_command(nsrun({"--uts"}, "kill -9 $$")).exit_code, 137);
}

TEST(Run, AProgramThatCannotRunIs127Or126) {
  const Leaks leaks;
  const CommandResult missing = run_command({kNsrun, "--", "/no-such-program"});
  EXPECT_EQ(missing.exit_code, 127);
  EXPECT_THAT(missing.err, HasSubstr("no-such-program"));
  EXPECT_EQ(run_command({kNsrun, "/etc/passwd"}).exit_code, 126);
}

TEST(Run, OptionsThatDoNotFitTogetherAreRefused) {
  const auto refusal = [](std::vector<std::string> options) {
    const CommandResult result = run_command(nsrun(std::move(options), "true"));
    EXPECT_EQ(result.exit_code, 125) << result.in_words();
    return result.err;
  };
  EXPECT_EQ(refusal({"--hostname", "x"}), "nsrun: a host name needs a uts namespace\n");
  EXPECT_EQ(refusal({"--uid-map", "0:1:1"}), "nsrun: an id map needs a user namespace\n");
  EXPECT_EQ(refusal({"--boottime", "1"}), "nsrun: a time offset needs a time namespace\n");
  EXPECT_EQ(refusal({"--init"}), "nsrun: an init needs a pid namespace\n");
  EXPECT_EQ(refusal({"--root", "/tmp"}), "nsrun: a root needs a mnt namespace\n");
  EXPECT_THAT(refusal({"--mnt", "--root", "/"}), HasSubstr("the root is / already"));
  EXPECT_THAT(refusal({"--mnt", "--pid", "--init", "--root", "/tmp"}), HasSubstr("an init of the"));
  EXPECT_THAT(refusal({"--user", "--uid-map", "0:1"}), HasSubstr("--uid-map"));
  EXPECT_EQ(run_command({kNsrun, "--uts"}).err, "nsrun: no program to run was given\n");
}

TEST(Run, ASlipOfThePenIsNotTakenForTheProgram) {
  const auto refusal = [](std::vector<std::string> words) {
    words.insert(words.begin(), kNsrun);
    const CommandResult result = run_command(words);
    EXPECT_EQ(result.exit_code, 125) << result.in_words();
    return result.err;
  };
  EXPECT_THAT(refusal({"--pdi", "--", "/bin/true"}), HasSubstr("unknown option \"--pdi\""));
  EXPECT_THAT(refusal({"--boottime", "soon", "/bin/true"}), HasSubstr("--boottime"));
  EXPECT_THAT(refusal({"--root", "/no/such", "--", "/bin/true"}), HasSubstr("--root"));
  EXPECT_EQ(run_command({kNsrun, "--", "-x"}).exit_code, 127) << "behind -- it is a program";
  EXPECT_EQ(run_command({kNsrun, "--help"}).exit_code, 0);
}

TEST(Run, AnErrorThatCannotBePrintedIsStillAnExitCode) {
  const auto silenced = [](const std::string& command) {
    return run_command({"/bin/sh", "-c", command + " 2>/dev/full"}).exit_code;
  };
  EXPECT_EQ(silenced(kNsrun + " --init -- true"), 125);
  EXPECT_EQ(silenced(kNsrun + " -- /no/such/program"), 127);
  EXPECT_EQ(silenced(kNsls + " 4194303"), 1);
  EXPECT_EQ(silenced(std::string(MD_BINARY_DIR "/bin/mini-init") + " /no/such/program"), 127);
}

TEST(RunBeside, TheProgramIsInAllNamespacesOfTheOther) {
  MD_NEEDS("root", "userns");
  const Leaks leaks;
  const Process other = namespaces::testing::hold(all_clone_flags());
  const CommandResult result = run_command(nsrun({"--join", std::to_string(other.pid())},
                                                 "cd /proc/self/ns; readlink *; id -u; echo $$"));
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  for (const Kind kind : all_kinds()) {
    const std::string link = fmt::format("/proc/{}/ns/{}", other.pid(), proc_name(kind));
    EXPECT_THAT(result.out, HasSubstr(minidocker::testing::link_target(link) + "\n"));
  }
  EXPECT_THAT(result.out, ::testing::EndsWith("\n0\n2\n")) << "its second process";
}

TEST(RunBeside, OrJustInThoseThatAreNamed) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process other = namespaces::testing::hold(CLONE_NEWUTS | CLONE_NEWNET);
  const CommandResult result = run_command(
      nsrun({"--join", std::to_string(other.pid()), "--uts"}, "readlink /proc/self/ns/*"));
  const auto link = [](const std::string& of, const char* kind) {
    return minidocker::testing::link_target("/proc/" + of + "/ns/" + kind) + "\n";
  };
  EXPECT_THAT(result.out, HasSubstr(link(std::to_string(other.pid()), "uts")));
  EXPECT_THAT(result.out, HasSubstr(link("self", "net")));
}

TEST(RunBeside, WhatCannotBeJoinedIsRefused) {
  MD_NEEDS("root");
  const auto refusal = [](std::vector<std::string> options) {
    const CommandResult result = run_command(nsrun(std::move(options), "true"));
    EXPECT_EQ(result.exit_code, 125) << result.in_words();
    return result.err;
  };
  EXPECT_THAT(refusal({"--join", std::to_string(::getpid())}), HasSubstr("in the same namespaces"));
  EXPECT_THAT(refusal({"--join", "4194303"}), HasSubstr("pidfd_open(4194303)"));
  EXPECT_THAT(refusal({"--join", "1", "--uts", "--hostname", "x"}), HasSubstr("--hostname"));
}

TEST(Run, WhatAnOrdinaryUserMayNotDoIsSaid) {
  MD_NEEDS("user");
  as_user([] {
    RunOptions options;
    options.kinds = CLONE_NEWNET;
    try {
      (void)run_in_namespaces(options, {"/bin/true"});
      ADD_FAILURE() << "allowed";
    } catch (const SystemError& error) {
      EXPECT_EQ(error.code(), EPERM);
    }
  });
}

TEST(Run, MountsMadeInsideAreNotSeenOutside) {
  MD_NEEDS("root");
  const Leaks leaks;
  const std::size_t before = minidocker::testing::mounts_of(::getpid()).size();
  EXPECT_EQ(run_command(nsrun({"--mnt"}, "mount -t tmpfs none /mnt && test -d /mnt")).exit_code, 0);
  EXPECT_EQ(minidocker::testing::mounts_of(::getpid()).size(), before);
}

/// A root with the host's programs in it.
void make_root() {
  for (const char* dir : {"/tmp/root/usr", "/tmp/root/lib", "/tmp/root/lib64", "/tmp/root/bin"}) {
    make_dirs(dir);
    const std::string source = std::string(dir).substr(std::string("/tmp/root").size());
    sys::mount(source.c_str(), dir, nullptr, MS_BIND | MS_REC, nullptr).or_throw(dir);
  }
}

constexpr const char* kLookAround =
    "set -e; test $$ = 1; test \"$(ls /)\" = 'bin\ndev\nlib\nlib64\nproc\nsys\nusr'; "
    "echo x > /dev/null; test -c /dev/zero -a -c /dev/pts/ptmx -a -L /dev/fd; "
    "test $(ls -d /proc/[0-9]* | wc -l) -lt 10; ls /sys/class/net/lo >/dev/null; "
    "! grep -q ' /tmp' /proc/self/mountinfo; test $(umask) = 0022";

TEST(Run, ANewRootHasProcSysAndDev) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_root();
    RunOptions options;
    options.kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET;
    options.root = "/tmp/root";
    EXPECT_EQ(run_in_namespaces(options, {"/bin/sh", "-c", kLookAround}), 0);
  });
}

TEST(Run, ANewRootInAUserNamespaceToo) {
  MD_NEEDS("root", "userns");
  in_sandbox([] {
    make_root();
    RunOptions options;
    options.kinds = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET;
    options.root = "/tmp/root";
    EXPECT_EQ(run_in_namespaces(options, {"/bin/sh", "-c", kLookAround}), 0);
  });
}

TEST(Nsls, ListsTheNamespacesOfAProcess) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process process = namespaces::testing::hold(CLONE_NEWUTS);
  const CommandResult result = run_command({kNsls, std::to_string(process.pid())});
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_THAT(result.out,
              ::testing::StartsWith("KIND         INODE  PROCESSES   LOWEST  COMMAND\n"));
  EXPECT_THAT(result.out,
              HasSubstr(fmt::format("          1 {:>8}  /bin/sleep 1000\n", process.pid())));
}

TEST(Nsls, TellsTheNumbersOfTheProcess) {
  MD_NEEDS("root");
  const Leaks leaks;
  const Process process = namespaces::testing::hold(CLONE_NEWPID);
  const CommandResult result = run_command({kNsls, std::to_string(process.pid())});
  EXPECT_THAT(result.out, HasSubstr(fmt::format("\nprocess {0}: NSpid {0} 1\n", process.pid())));
}

TEST(Nsls, SaysHowManyItMayNotLookAt) {
  MD_NEEDS("root", "user");
  const Process other = namespaces::testing::hold(0);
  const CommandResult result =
      run_command({kNsls}, {.user = minidocker::testing::unprivileged_user()});
  EXPECT_THAT(result.out,
              ::testing::ContainsRegex("\n[0-9]+ processes more that we may not look "));
}

TEST(Nsls, AWrongCommandLineIs1) {
  EXPECT_EQ(run_command({kNsls, "--no-such-option"}).exit_code, 1);
  EXPECT_EQ(run_command({kNsls, "zero"}).exit_code, 1);
}

TEST(Nsls, AProcessThatIsNotThereIsAnError) {
  const CommandResult result = run_command({kNsls, "4194303"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/proc/4194303/ns/pid"));
}

}  // namespace
}  // namespace minidocker::namespaces
