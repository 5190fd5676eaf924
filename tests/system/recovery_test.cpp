#include <csignal>

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
  for (const char* place : {"/containers/", "/run/shim/"}) {
    const std::string dir = state().dir() + "/state" + place + id + "/upper";
    ASSERT_EQ(testing::run_command({"mkdir", "-p", dir}).exit_code, 0);
  }
  EXPECT_EQ(run({}, "true").exit_code, 0);
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
