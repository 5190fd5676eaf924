#include <sys/ioctl.h>
#include <termios.h>

#include <string>

#include "mini_docker_fixture.hpp"

namespace minidocker::system_test {
namespace {

class TerminalTest : public MiniDockerTest {
 protected:
  [[nodiscard]] Words shell(const std::string& script) const {
    return state().command({"run", "--rm", "-it", "busybox", "sh", "-c", script});
  }
};

TEST_F(TerminalTest, TheProgramHasATerminalOfItsOwn) {
  testing::RunningCommand command(shell("tty; test -t 0 && test -t 1 && test -t 2 && echo all"),
                                  {.pty = true});
  const CommandResult result = command.wait();
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_NE(result.out.find("/dev/"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("all"), std::string::npos) << result.out;
}

TEST_F(TerminalTest, KeysGoToTheProgramAndControlCToItsTerminal) {
  testing::RunningCommand command(
      shell("trap 'echo interrupted; exit 9' INT; echo ready; while :; do read line; echo got "
            "$line; done"),
      {.pty = true});
  ASSERT_TRUE(command.read_until("ready"));
  command.write("abc\n");
  ASSERT_TRUE(command.read_until("got abc"));
  command.write("\x03");
  ASSERT_TRUE(command.read_until("interrupted"));
  EXPECT_EQ(command.wait().exit_code, 9);
}

TEST_F(TerminalTest, TheWindowsSizeIsFollowed) {
  testing::RunningCommand command(shell("trap 'stty size' WINCH; echo ready; while :; do sleep "
                                        "0.01; done"),
                                  {.pty = true});
  ASSERT_TRUE(command.read_until("ready"));
  struct winsize size{};
  size.ws_row = 33;
  size.ws_col = 77;
  ASSERT_EQ(::ioctl(command.terminal(), TIOCSWINSZ, &size), 0);
  EXPECT_TRUE(command.read_until("33 77")) << command.out();
  command.signal(SIGKILL);
  static_cast<void>(command.wait());
  EXPECT_EQ(run({}, "true").exit_code, 0);
}

TEST_F(TerminalTest, TheCallersTerminalIsRestored) {
  const Words words = shell("stty raw; exit 3");
  std::string line = "before=$(stty -g); ";
  for (const std::string& word : words) line += "'" + word + "' ";
  line += "; code=$?; test \"$before\" = \"$(stty -g)\" && echo same $code";
  testing::RunningCommand command({"sh", "-c", line}, {.pty = true});
  const CommandResult result = command.wait();
  EXPECT_NE(result.out.find("same 3"), std::string::npos) << result.in_words();
}

TEST_F(TerminalTest, ATerminalNeedsNoInput) {
  testing::RunningCommand command(
      state().command({"run", "--rm", "-t", "busybox", "sh", "-c", "test -t 1 && echo terminal"}),
      {.pty = true});
  EXPECT_NE(command.wait().out.find("terminal"), std::string::npos);
}

TEST_F(TerminalTest, WithoutATtyAProgramOnATerminalHasNone) {
  testing::RunningCommand command(state().command({"run", "--rm", "-i", "busybox", "sh", "-c",
                                                   "test -t 1 || echo no terminal"}),
                                  {.pty = true});
  EXPECT_NE(command.wait().out.find("no terminal"), std::string::npos);
}

}  // namespace
}  // namespace minidocker::system_test
