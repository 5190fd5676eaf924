#include "minidocker/testing/run_command.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"

namespace minidocker::testing {
namespace {

TEST(RunCommand, KeepsOutputErrorsAndExitCodeApart) {
  const CommandResult result = run_command({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ("out\n", result.out);
  EXPECT_EQ("err\n", result.err);
  EXPECT_EQ(3, result.exit_code);
}

TEST(RunCommand, TellsTheSignalThatEndedIt) {
  EXPECT_EQ(9, run_command({"sh", "-c", "kill -9 $$"}).signal);
}

TEST(RunCommand, FeedsMoreInputThanAPipeHolds) {
  const std::string text(300'000, 'x');
  EXPECT_EQ(text, run_command({"cat"}, {.input = text}).out);
}

TEST(RunCommand, SurvivesAProgramThatDoesNotReadItsInput) {
  EXPECT_EQ(0, run_command({"true"}, {.input = std::string(300'000, 'x')}).exit_code);
}

TEST(RunCommand, KillsWhatExceedsItsTimeWithItsChildren) {
  const CommandResult result = run_command({"sh", "-c", "echo $$; sleep 1000 & wait"},
                                           {.limit = std::chrono::milliseconds(100)});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(9, result.signal);
}

TEST(RunCommand, GivesATerminalWhenAskedFor) {
  const CommandResult result = run_command({"tty"}, {.pty = true});
  EXPECT_EQ(0, result.exit_code) << result.in_words();
  EXPECT_EQ(0U, result.out.find("/dev/pts/")) << result.out;
}

TEST(RunCommand, HoldsAConversation) {
  RunningCommand cat({"cat"});
  cat.write("hello\n");
  EXPECT_TRUE(cat.read_until("hello\n"));
  cat.close_input();
  EXPECT_EQ(0, cat.wait().exit_code);
}

TEST(RunCommand, BecomesAnotherUserWithAnotherDirectory) {
  MD_NEEDS("root", "user");
  const User user = unprivileged_user();
  const CommandResult result =
      run_command({"sh", "-c", "id -u; id -G; pwd"}, {.cwd = "/usr", .user = user});
  EXPECT_EQ(std::to_string(user.uid) + "\n" + std::to_string(user.gid) + "\n/usr\n", result.out);
}

TEST(RunCommand, SetsTheEnvironment) {
  EXPECT_EQ("A=1\nB=2\n", run_command({"env"}, {.env = {"A=1", "B=2"}, .empty_env = true}).out);
}

TEST(RunCommand, SaysWhatCouldNotBeExecuted) {
  EXPECT_THROW(run_command({"/no/such/program"}), std::runtime_error);
}

TEST(RunCommand, PassesOnlyTheDescriptorsNamed) {
  const CommandResult result = run_command({"ls", "/proc/self/fd"}, {.fds = {{2, 7}}});
  EXPECT_EQ("0\n1\n2\n3\n7\n", result.out);
}

}  // namespace
}  // namespace minidocker::testing
