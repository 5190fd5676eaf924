#include <csignal>
#include <string>

#include "mini_docker_fixture.hpp"

namespace minidocker::system_test {
namespace {

class ExitCodeTest : public MiniDockerTest {};

TEST_F(ExitCodeTest, TheContainersCodeIsOurs) {
  EXPECT_EQ(run({}, "exit 0").exit_code, 0);
  EXPECT_EQ(run({}, "exit 42").exit_code, 42);
}

TEST_F(ExitCodeTest, ASignalIs128AndItsNumber) {
  EXPECT_EQ(run({"--init"}, "kill -TERM $$").exit_code, 143);
}

TEST_F(ExitCodeTest, AMissingProgramIs127) {
  expect_refused(docker({"run", "--rm", "busybox", "nosuch"}), 127,
                 "executable file not found in $PATH");
  expect_refused(docker({"run", "--rm", "busybox", "/no/such"}), 127, "no such file or directory");
}

TEST_F(ExitCodeTest, AProgramThatCannotBeExecutedIs126) {
  expect_refused(docker({"run", "--rm", "busybox", "/etc"}), 126, "permission denied");
  expect_refused(docker({"run", "--rm", "busybox", "/etc/passwd"}), 126, "permission denied");
}

TEST_F(ExitCodeTest, AFailedStartLeavesACreatedContainer) {
  expect_refused(docker({"run", "--name", "broken", "busybox", "nosuch"}), 127, "nosuch");
  EXPECT_NE(docker({"ps", "-a"}).out.find("Created"), std::string::npos);
  EXPECT_EQ(docker({"rm", "broken"}).exit_code, 0);
}

TEST_F(ExitCodeTest, SignalsReachTheProgram) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
    testing::RunningCommand command(state().command(
        {"run", "--rm", "busybox", "sh", "-c",
         "trap 'exit 5' TERM INT HUP USR1; echo ready; while :; do sleep 0.01; done"}));
    ASSERT_TRUE(command.read_until("ready"));
    command.signal(number);
    EXPECT_EQ(command.wait().exit_code, 5) << number;
  }
}

}  // namespace
}  // namespace minidocker::system_test
