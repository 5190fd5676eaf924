#include <csignal>
#include <string>

#include "mini_docker_fixture.hpp"

namespace minidocker::system_test {
namespace {

/// The same containers, made by another OCI runtime.
class OtherRuntimeTest : public MiniDockerTest {
 protected:
  void SetUp() override {
    MD_NEEDS("root", "overlay", "busybox", "crun");
    MiniDockerTest::SetUp();
    crun_ = testing::path_of("crun");
  }
  [[nodiscard]] Words with_crun(Words flags) const {
    flags.insert(flags.end(), {"--runtime", crun_});
    return flags;
  }
  std::string crun_;
};

TEST_F(OtherRuntimeTest, RunsTheSameContainer) {
  EXPECT_EQ(output(with_crun({"-h", "box"}), "hostname; cat /etc/layer3"),
            "box\nlayer 3 was here\n");
  EXPECT_EQ(run(with_crun({}), "exit 7").exit_code, 7);
}

TEST_F(OtherRuntimeTest, UsersAreNamesOrNumbersOfTheImage) {
  EXPECT_EQ(output(with_crun({"-u", "user"}), "id -u; id -g; echo $HOME"),
            "1000\n1000\n/home/user\n");
  EXPECT_EQ(output(with_crun({"-u", "7:8"}), "id -u; id -g"), "7\n8\n");
  EXPECT_EQ(output(with_crun({}), "id -u; echo $HOME"), "0\n/root\n");
  expect_refused(run(with_crun({"-u", "nobody-here"}), "true"), 125,
                 "unable to find user nobody-here");
}

TEST_F(OtherRuntimeTest, CapabilitiesAreThoseOfTheUserWhateverHisName) {
  const std::string effective = "grep CapEff /proc/self/status";
  EXPECT_EQ(output(with_crun({}), effective), "CapEff:\t00000000a80425fb\n");
  EXPECT_EQ(output(with_crun({"-u", "user"}), effective), "CapEff:\t0000000000000000\n");
}

TEST_F(OtherRuntimeTest, ATerminalWorks) {
  testing::RunningCommand command(
      state().command({"run", "--rm", "-it", "--runtime", crun_, "busybox", "sh", "-c",
                       "test -t 0 && echo terminal; exit 4"}),
      {.pty = true});
  const CommandResult result = command.wait();
  EXPECT_EQ(result.exit_code, 4) << result.in_words();
  EXPECT_NE(result.out.find("terminal"), std::string::npos) << result.in_words();
}

TEST_F(OtherRuntimeTest, AMissingProgramIs127AndOneThatCannotBeExecuted126) {
  const auto code_of = [&](const char* program) {
    return docker({"run", "--rm", "--runtime", crun_, "busybox", program}).exit_code;
  };
  EXPECT_EQ(code_of("nosuch"), 127);
  EXPECT_EQ(code_of("/etc/passwd"), 126);
}

TEST_F(OtherRuntimeTest, AContainerEndsWithItsKilledClient) {
  testing::RunningCommand command(state().command(
      {"run", "--rm", "--runtime", crun_, "busybox", "sh", "-c", "echo ready; exec sleep 1000"}));
  ASSERT_TRUE(command.read_until("ready"));
  command.signal(SIGKILL);
  static_cast<void>(command.wait());
  EXPECT_EQ(run({}, "true").exit_code, 0);  // recovers; TearDown looks for what is left
}

TEST_F(OtherRuntimeTest, ARuntimeThatIsNoProgramIsRefused) {
  expect_refused(run({"--runtime", "/etc/passwd"}, "true"), 125,
                 "unknown or invalid runtime name: /etc/passwd");
}

}  // namespace
}  // namespace minidocker::system_test
