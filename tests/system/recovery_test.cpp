#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "mini_docker_fixture.hpp"

namespace minidocker::system_test {
namespace {

/// Whoever is killed: after the next command nothing is left (TearDown and LeakCheck look).
class RecoveryTest : public MiniDockerTest {
 protected:
  [[nodiscard]] Words sleeper(const Words& flags) const {
    Words words{"run"};
    words.insert(words.end(), flags.begin(), flags.end());
    words.insert(words.end(), {"busybox", "sh", "-c", "sleep 1000 & echo ready; wait"});
    return state().command(words);
  }
  static pid_t find_descendant(pid_t of, const std::string& name) {
    for (const pid_t pid : testing::descendants_of(of)) {
      if (testing::find_text("/proc/" + std::to_string(pid) + "/comm") == name + "\n") return pid;
    }
    return 0;
  }
};

TEST_F(RecoveryTest, AContainerEndsWithItsKilledClient) {
  testing::RunningCommand command(sleeper({"--rm"}));
  ASSERT_TRUE(command.read_until("ready"));
  const pid_t program = find_descendant(command.pid(), "sh");
  const pid_t shim = find_descendant(command.pid(), "mini-shim");
  ASSERT_NE(program, 0);
  ASSERT_NE(shim, 0);
  command.signal(SIGKILL);
  static_cast<void>(command.wait());
  EXPECT_TRUE(testing::wait_for_end(program, std::chrono::seconds(5)));
  EXPECT_TRUE(testing::wait_for_end(shim, std::chrono::seconds(5)));
  EXPECT_EQ(run({}, "true").exit_code, 0);  // the next run recovers
}

TEST_F(RecoveryTest, AKilledClientsContainerIsKnownToHaveEnded) {
  testing::RunningCommand command(sleeper({"--name", "orphan"}));
  ASSERT_TRUE(command.read_until("ready"));
  const pid_t shim = find_descendant(command.pid(), "mini-shim");
  command.signal(SIGKILL);
  static_cast<void>(command.wait());
  EXPECT_TRUE(testing::wait_for_end(shim, std::chrono::seconds(5)));
  EXPECT_NE(docker({"ps", "-a"}).out.find("Exited (137)"), std::string::npos);
  EXPECT_EQ(docker({"rm", "orphan"}).exit_code, 0);
}

TEST_F(RecoveryTest, AKilledShimTakesTheContainerWithItAndTheClientSaysSo) {
  testing::RunningCommand command(sleeper({"--rm"}));
  ASSERT_TRUE(command.read_until("ready"));
  const pid_t program = find_descendant(command.pid(), "sh");
  const pid_t shim = find_descendant(command.pid(), "mini-shim");
  ASSERT_EQ(::kill(shim, SIGKILL), 0);
  expect_refused(command.wait(), 125, "shim died");
  EXPECT_TRUE(testing::wait_for_end(program, std::chrono::seconds(5)));
}

TEST_F(RecoveryTest, BothKilledIsRecoveredByTheNextRun) {
  testing::RunningCommand command(sleeper({"--rm"}));
  ASSERT_TRUE(command.read_until("ready"));
  const pid_t shim = find_descendant(command.pid(), "mini-shim");
  ASSERT_EQ(::kill(command.pid(), SIGSTOP), 0);
  ASSERT_EQ(::kill(shim, SIGKILL), 0);
  command.signal(SIGKILL);
  static_cast<void>(command.wait());
  EXPECT_EQ(run({}, "true").exit_code, 0);
}

TEST_F(RecoveryTest, DirectoriesThatNoRowKnowsAreRemoved) {
  const std::string id(64, 'a');
  for (const char* place : {"/containers/", "/run/shim/", "/run/runtime/", "/run/oci/"}) {
    const std::string dir = state().dir() + "/state" + place + id + "/upper";
    ASSERT_EQ(testing::run_command({"mkdir", "-p", dir}).exit_code, 0);
  }
  testing::write_text(state().dir() + "/state/run/lock/" + id, "");
  EXPECT_EQ(run({}, "true").exit_code, 0);
}

TEST_F(RecoveryTest, WhatARunHasLeftOfAnEndedContainerIsRemoved) {
  ASSERT_EQ(docker({"run", "--name", "ended", "busybox", "true"}).exit_code, 0);
  const std::string shim = state().dir() + "/state/run/shim/" + ids().at(0);
  ASSERT_EQ(testing::run_command({"mkdir", "-p", shim}).exit_code, 0);
  EXPECT_EQ(run({}, "true").exit_code, 0);
  EXPECT_EQ(testing::files_below(state().dir() + "/state/run/shim"), Words{});
  EXPECT_EQ(docker({"rm", "ended"}).exit_code, 0);
}

TEST_F(RecoveryTest, ContainersFromBeforeARebootAreKnownToHaveEnded) {
  testing::RunningCommand command(sleeper({"--name", "before"}));
  ASSERT_TRUE(command.read_until("ready"));
  const pid_t shim = find_descendant(command.pid(), "mini-shim");
  command.signal(SIGKILL);
  static_cast<void>(command.wait());
  ASSERT_TRUE(testing::wait_for_end(shim, std::chrono::seconds(5)));
  ASSERT_EQ(testing::run_command({"rm", "-rf", state().dir() + "/state/run"}).exit_code, 0);
  EXPECT_NE(docker({"ps", "-a"}).out.find("Exited (137)"), std::string::npos);
  EXPECT_EQ(docker({"rm", "before"}).exit_code, 0);
}

// CVE-2019-5736: who shares our PID namespace, or traces the shim, gets at its program.
TEST_F(RecoveryTest, TheShimsProgramCannotBeOverwrittenThroughProc) {
  testing::RunningCommand command(sleeper({"--rm", "--name", "held"}));
  ASSERT_TRUE(command.read_until("ready"));
  const pid_t shim = find_descendant(command.pid(), "mini-shim");
  const int program =
      ::open(("/proc/" + std::to_string(shim) + "/exe").c_str(), O_PATH | O_CLOEXEC);
  ASSERT_GE(program, 0);
  EXPECT_EQ(docker({"rm", "-f", "held"}).exit_code, 0);  // a program that runs is busy (ETXTBSY)
  static_cast<void>(command.wait());
  EXPECT_EQ(::open(("/proc/self/fd/" + std::to_string(program)).c_str(), O_WRONLY | O_CLOEXEC), -1);
  EXPECT_EQ(errno, EROFS);
  ::close(program);
}

TEST_F(RecoveryTest, ManyAtOnceDoNotDisturbEachOther) {
  std::vector<std::unique_ptr<testing::RunningCommand>> commands;
  for (int i = 0; i < 8; ++i) {
    commands.push_back(std::make_unique<testing::RunningCommand>(
        state().command({"run", "--rm", "busybox", "sh", "-c", "exit " + std::to_string(i)})));
  }
  for (int i = 0; i < 8; ++i) {
    const CommandResult result = commands[static_cast<std::size_t>(i)]->wait();
    EXPECT_EQ(result.exit_code, i) << result.in_words();
  }
}

}  // namespace
}  // namespace minidocker::system_test
