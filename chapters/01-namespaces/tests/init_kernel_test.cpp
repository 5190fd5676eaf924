#include "minidocker/namespaces/init.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/started_child.hpp"
#include "steps.hpp"

namespace minidocker::namespaces {
namespace {

using minidocker::testing::CommandResult;
using minidocker::testing::in_child;
using minidocker::testing::run_command;
using minidocker::testing::RunningCommand;
using namespaces::testing::Leaks;

const std::string kMiniInit = MD_BINARY_DIR "/bin/mini-init";
const std::string kNsrun = MD_BINARY_DIR "/bin/nsrun";

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

std::vector<std::string> with_init(const std::string& script) {
  std::vector<std::string> argv{kNsrun, "--pid", "--mnt", "--init", "--"};
  for (const std::string& word : shell(script)) argv.push_back(word);
  return argv;
}

TEST(Init, ExitsWithTheCodeOfItsProgram) {
  const Leaks leaks;
  in_child([] { EXPECT_EQ(run_init(shell("exit 7")), 7); });
}

TEST(Init, TellsASignalAs128PlusItsNumber) {
  const Leaks leaks;
  in_child([] { EXPECT_EQ(run_init(shell("kill -TERM $$")), 128 + SIGTERM); });
}

TEST(Init, AProgramThatIsNotThereIsAnErrorOfAStep) {
  const Leaks leaks;
  in_child([] {
    try {
      (void)run_init({"/no-such-program"});
      ADD_FAILURE() << "it ran";
    } catch (const StepError& error) {
      EXPECT_EQ(error.code(), ENOENT);
    }
  });
}

TEST(Init, ItsProgramHasNoSignalBlocked) {
  const Leaks leaks;
  const CommandResult result =
      run_command({kMiniInit, "--", "grep", "SigBlk", "/proc/self/status"});
  EXPECT_EQ(result.out, "SigBlk:\t0000000000000000\n") << result.in_words();
}

TEST(Init, ForwardsSignalsToItsProgram) {
  const Leaks leaks;
  RunningCommand init(
      {kMiniInit, "sh", "-c", "trap 'echo caught; exit 9' USR1; echo ready; read line"});
  ASSERT_TRUE(init.read_until("ready"));
  init.signal(SIGUSR1);
  ASSERT_TRUE(init.read_until("caught"));
  EXPECT_EQ(init.wait().exit_code, 9);
}

TEST(Init, IsNotStoppedByTheTerminal) {
  const Leaks leaks;
  RunningCommand init({kMiniInit, "sh", "-c", "echo ready; read line; exit 4"});
  ASSERT_TRUE(init.read_until("ready"));
  init.signal(SIGTTIN);
  init.signal(SIGTTOU);
  init.write("go on\n");
  EXPECT_EQ(init.wait().exit_code, 4);
}

/// Waits until a zombie is gone; the reaper needs a moment, but no more.
bool is_reaped(pid_t pid) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (minidocker::testing::state_of(pid) != '-') {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::sched_yield();
  }
  return true;
}

TEST(Init, ReapsOrphansOfItsPidNamespace) {
  MD_NEEDS("root");
  const Leaks leaks;
  RunningCommand run(with_init("sh -c 'sleep 1000 & echo $!'; echo ready; read line"));
  ASSERT_TRUE(run.read_until("ready"));
  const std::vector<pid_t> family = minidocker::testing::descendants_of(run.pid());
  const auto orphan = std::find_if(family.begin(), family.end(), [&run](pid_t pid) {
    return minidocker::testing::pids_in_namespaces(pid).back() == std::stoi(run.out());
  });
  ASSERT_NE(orphan, family.end());
  const pid_t parent = minidocker::testing::parent_of(*orphan);
  EXPECT_EQ(minidocker::testing::pids_in_namespaces(parent).back(), 1) << "PID 1 adopts orphans";
  ::kill(*orphan, SIGKILL);
  EXPECT_TRUE(is_reaped(*orphan));
  run.write("\n");
  EXPECT_EQ(run.wait().exit_code, 0);
}

TEST(Init, WithoutAPidNamespaceItIsASubreaper) {
  const Leaks leaks;
  RunningCommand init({kMiniInit, "sh", "-c", "sh -c 'sleep 1000 & echo $!'; echo ready; read x"});
  ASSERT_TRUE(init.read_until("ready"));
  const pid_t orphan = std::stoi(init.out());
  EXPECT_EQ(minidocker::testing::parent_of(orphan), init.pid());
  ::kill(orphan, SIGKILL);
  EXPECT_TRUE(is_reaped(orphan));
  init.write("\n");
  EXPECT_EQ(init.wait().exit_code, 0);
}

TEST(Init, GivesItsProgramTheTerminal) {
  MD_NEEDS("tty");
  const Leaks leaks;
  const CommandResult result =
      run_command({kMiniInit, "sh", "-c", "ps -o pgid=,tpgid= -p $$"}, {.pty = true});
  int group = 0;
  int front = 0;
  ASSERT_EQ(::sscanf(result.out.c_str(), "%d %d", &group, &front), 2) << result.in_words();
  EXPECT_EQ(group, front);
}

TEST(Init, GivesTheTerminalBack) {
  MD_NEEDS("tty");
  const Leaks leaks;
  // A shell without job control: nobody else gives it back.
  const CommandResult result =
      run_command({"/bin/sh", "-c", kMiniInit + " true; ps -o pgid=,tpgid= -p $$"}, {.pty = true});
  int group = 0;
  int front = 0;
  ASSERT_EQ(::sscanf(result.out.c_str(), "%d %d", &group, &front), 2) << result.in_words();
  EXPECT_EQ(group, front);
}

TEST(Init, EndsThoughSigchldIsIgnored) {
  const Leaks leaks;
  EXPECT_EQ(run_command({"env", "--ignore-signal=CHLD", kMiniInit, "sh", "-c", "exit 7"}).exit_code,
            7);
}

TEST(Init, SaysWhatIsWrongWithItsCommandLine) {
  const CommandResult none = run_command({kMiniInit, "--"});
  EXPECT_EQ(none.exit_code, 125);
  EXPECT_EQ(none.err, "mini-init: usage: mini-init [--] COMMAND [ARGUMENT...]\n");
  EXPECT_EQ(run_command({kMiniInit, "/no/such/program"}).exit_code, 127);
  EXPECT_EQ(run_command({kMiniInit, "/etc/passwd"}).exit_code, 126);
}

}  // namespace
}  // namespace minidocker::namespaces
