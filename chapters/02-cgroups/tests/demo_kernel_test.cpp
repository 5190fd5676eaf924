// The demos cgrun and cgtop: what they start is limited, what they tell is so, and nothing is left.
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <regex>
#include <string>
#include <vector>

#include "group_fixture.hpp"
#include "minidocker/testing/run_command.hpp"
#include "work.hpp"

namespace minidocker::cgroups {
namespace {

using testing::CommandResult;
using testing::run_command;
using Words = std::vector<std::string>;

class Demos : public Groups {
 protected:
  void SetUp() override {
    MD_NEEDS("root");
    layout_ = detect();
    if (layout_.mode == Mode::none) MD_NEEDS("cgroup2");
  }
  static std::string group() { return test_prefix() + "/run"; }
  /// `cgrun OPTIONS -- sh -c SCRIPT` in the group of this test.
  static Words cgrun(const Words& options, const std::string& script) {
    Words words{MD_BINARY_DIR "/bin/cgrun", "--group", group()};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--", "sh", "-c", script});
    return words;
  }
  /// Is the group gone from every hierarchy?
  [[nodiscard]] bool is_gone() const { return !is_there("run"); }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Demos, CgrunEndsAsItsProgramDoes) {
  EXPECT_EQ(run_command(cgrun({}, "exit 7")).exit_code, 7);
  EXPECT_EQ(run_command(cgrun({}, "kill -TERM $$")).exit_code, 143);
  const std::string program = MD_BINARY_DIR "/bin/cgrun";
  EXPECT_EQ(run_command({program, "--group", group(), "--", "/no/such"}).exit_code, 127);
  EXPECT_EQ(run_command({program, "--group", group(), "--", "/etc/passwd"}).exit_code, 126);
  EXPECT_EQ(run_command({program}).exit_code, 125);
  EXPECT_EQ(run_command({program, "--memry", "1m", "true"}).exit_code, 125);
  EXPECT_TRUE(is_gone());
}

TEST_F(Demos, CgrunTellsWhoWasKilledForMemory) {
  const CommandResult result =
      run_command(cgrun({"--memory", "16m"}, "head -c 64m /dev/zero | tail -c 64m >/dev/null"));
  EXPECT_EQ(result.exit_code, 137) << result.in_words();
  EXPECT_TRUE(contains(result.err, "cgrun: at its memory limit the kernel has killed 1 of"))
      << result.err;
  EXPECT_TRUE(contains(result.err, "of 16MiB, ran into the limit, and was killed for it once"))
      << result.err;
}

TEST_F(Demos, CgrunTellsWhoseForkWasRefused) {
  const CommandResult result =
      run_command(cgrun({"--pids", "2"}, "sleep 77 & sleep 77; echo unreached"));
  EXPECT_FALSE(contains(result.out, "unreached")) << result.in_words();
  EXPECT_TRUE(contains(result.err, "tasks: a new one was refused")) << result.err;
  EXPECT_TRUE(is_gone()) << "what the program left running ends with it";
}

TEST_F(Demos, CgrunTellsHowLongAProgramHadToWait) {
  const CommandResult result = run_command(
      cgrun({"--cpus", "0.2", "--every", "200"}, "timeout 1 sh -c 'while :; do :; done'"));
  EXPECT_EQ(result.exit_code, 124) << result.in_words();
  std::smatch match;
  const std::regex line("CPU: ([0-9.]+) s, made to wait ([0-9.]+) s in ([0-9]+) of ([0-9]+)");
  ASSERT_TRUE(std::regex_search(result.err, match, line)) << result.err;
  EXPECT_GT(std::stoi(match[3]), 0);
  EXPECT_GT(std::stod(match[2]), std::stod(match[1]))
      << "four fifths of each period: " << result.err;
  EXPECT_TRUE(contains(result.err, "cgrun: memory ")) << "a line for each look: " << result.err;
  EXPECT_TRUE(contains(result.err, " CPUs of 0.20 CPUs, tasks ")) << result.err;
}

TEST_F(Demos, OnATerminalCgrunDrawsBarsOverEachOther) {
  testing::RunningCommand running(cgrun({"--memory", "64m", "--every", "20"}, "read end"),
                                  {.pty = true});
  ASSERT_TRUE(running.read_until("\x1b[3A\x1b[Jmemory [")) << running.out();
  running.write("\n");
  EXPECT_EQ(running.wait().exit_code, 0);
}

TEST_F(Demos, CgrunHandsSignalsOnAndCleansUpAfterThem) {
  testing::RunningCommand running(cgrun({}, "trap 'exit 9' TERM; echo ready; sleep 77 & wait"));
  ASSERT_TRUE(running.read_until("ready")) << running.err();
  ::kill(running.pid(), SIGTERM);
  EXPECT_EQ(running.wait().exit_code, 9);
  EXPECT_TRUE(is_gone());
}

TEST_F(Demos, WhoeverKillsCgrunLeavesAGroupThatCanBeTakenOver) {
  testing::RunningCommand running(cgrun({}, "echo ready; exec sleep 77"));
  ASSERT_TRUE(running.read_until("ready")) << running.err();
  ::kill(running.pid(), SIGKILL);
  running.wait();
  Cgroup left = Cgroup::reopen(locate(layout_, group()));
  // Not by cgroup.kill: docs/kernels.md tells what some kernels do to later children of the group.
  ASSERT_EQ(left.processes().size(), 1U);
  ::kill(left.processes().front(), SIGKILL);
  ASSERT_TRUE(eventually([&] { return left.processes().empty(); }));
  EXPECT_EQ(run_command(cgrun({}, "exit 3")).exit_code, 3);
  EXPECT_TRUE(is_gone());
}

TEST_F(Demos, CgrunExplainsItself) {
  const CommandResult result = run_command(cgrun({"--explain", "--pids", "9"}, "true"));
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  EXPECT_TRUE(contains(result.err, "set a limit of processes")) << result.err;
}

TEST_F(Demos, CgtopShowsGroupsByWhatTheyUse) {
  testing::RunningCommand running(cgrun({"--memory", "32m"}, "echo ready; while :; do :; done"));
  ASSERT_TRUE(running.read_until("ready")) << running.err();
  const CommandResult top =
      run_command({MD_BINARY_DIR "/bin/cgtop", "--by", "name", "--every", "200", test_prefix()});
  EXPECT_EQ(top.exit_code, 0) << top.in_words();
  const Words lines = testing::lines_of(top.out);
  ASSERT_EQ(lines.size(), 3U) << top.out;
  EXPECT_EQ(lines[0], "TASKS   %CPU    MEMORY     LIMIT  GROUP");
  EXPECT_TRUE(lines[1].ends_with(" -  " + test_prefix())) << lines[1];
  EXPECT_TRUE(
      std::regex_match(lines[2], std::regex(" +1 +[1-9][0-9.]* +[0-9.]+[KM]iB +32MiB  " + group())))
      << lines[2];
  ::kill(running.pid(), SIGTERM);
  running.wait();
}

TEST_F(Demos, CgtopOnATerminalLooksAgainUntilItIsInterrupted) {
  Cgroup web = make();
  testing::RunningCommand top({MD_BINARY_DIR "/bin/cgtop", "--every", "20", test_prefix()},
                              {.pty = true});
  ASSERT_TRUE(top.read_until("\x1b[H\x1b[JTASKS")) << top.out();
  ASSERT_TRUE(top.read_until("/web\r\n\x1b[H\x1b[JTASKS")) << top.out();
  top.write("\x03");
  EXPECT_EQ(top.wait().exit_code, 0);
}

TEST_F(Demos, CgtopNamesAGroupThatIsNotThere) {
  const CommandResult top = run_command({MD_BINARY_DIR "/bin/cgtop", "/no/such/group"});
  EXPECT_EQ(top.exit_code, 1);
  EXPECT_EQ(top.err, "cgtop: there is no cgroup \"/no/such/group\"\n");
}

}  // namespace
}  // namespace minidocker::cgroups
