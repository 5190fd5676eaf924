// Terminals: in the foreground, and handed over a console socket.
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "fd_listener.hpp"
#include "minidocker/toolbox/unique_fd.hpp"
#include "runc_fixture.hpp"

namespace minidocker::runtime {
namespace {

using testing::CommandResult;

std::string read_to_end(int master) {
  std::string text;
  char buffer[256];
  ssize_t size = 0;
  while ((size = ::read(master, buffer, sizeof(buffer))) > 0) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;  // EIO: the last slave is closed
}

class Terminal : public RuncTest {
 protected:
  void SetUp() override {
    MD_NEEDS("tty");
    RuncTest::SetUp();
    if (bundle_ != nullptr) (*bundle_)["process"]["terminal"] = true;
  }
};

TEST_F(Terminal, InTheForegroundItIsOursAndTheProgramsOwn) {
  bundle_->script("test -t 0 && test -t 1 && test -t 2 && echo <>/dev/tty && tty; exit 5");
  bundle_->write();
  const CommandResult result = runc({"run", "--bundle", bundle_->dir(), id_}, {.pty = true});
  EXPECT_EQ(result.exit_code, 5) << result.in_words();
  EXPECT_NE(result.out.find("/dev/"), std::string::npos) << result.in_words();
}

TEST_F(Terminal, WhatIsTypedArrives) {
  bundle_->script("echo ready; read line; echo \"got $line\"");
  bundle_->write();
  testing::RunningCommand run(command_line({"run", "--bundle", bundle_->dir(), id_}),
                              {.pty = true});
  ASSERT_TRUE(run.read_until("ready"));
  run.write("hello\n");
  EXPECT_TRUE(run.read_until("got hello")) << run.out();
  EXPECT_EQ(run.wait().exit_code, 0);
}

TEST_F(Terminal, ControlCInterruptsTheProgramNotTheRuntime) {
  bundle_->script("trap 'exit 9' INT; echo ready; while :; do sleep 0.01; done");
  bundle_->write();
  testing::RunningCommand run(command_line({"run", "--bundle", bundle_->dir(), id_}),
                              {.pty = true});
  ASSERT_TRUE(run.read_until("ready"));
  run.write("\x03");
  EXPECT_EQ(run.wait().exit_code, 9);
}

// `yes` fills the terminal of a program that reads nothing; $! is the runtime.
constexpr const char* kYes =
    "cd \"$1\"; shift; yes | \"$@\" >out & until grep -q ready out; do :; done; kill -TERM $!; "
    "wait $!";

TEST_F(Terminal, ASignalArrivesThoughNobodyReadsWhatIsTyped) {
  bundle_->script("trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done");
  bundle_->write();
  std::vector<std::string> argv = {"sh", "-c", kYes, "sh", dir_.path()};
  for (const std::string& word : command_line({"run", "--bundle", bundle_->dir(), id_})) {
    argv.push_back(word);
  }
  const CommandResult result = testing::run_command(argv);
  EXPECT_EQ(result.exit_code, 3) << result.in_words();
}

TEST_F(Terminal, AProgramThatOnlyPrintsIsReadToItsEndThoughMuchIsTyped) {
  bundle_->script("head -c 8388608 /dev/zero | tr '\\0' x; exit 5");
  bundle_->write();
  std::vector<std::string> argv = {"sh", "-c", "yes | \"$@\"", "sh"};
  for (const std::string& word : command_line({"run", "--bundle", bundle_->dir(), id_})) {
    argv.push_back(word);
  }
  const CommandResult result = testing::run_command(argv);
  EXPECT_EQ(result.exit_code, 5) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), 'x'), 8388608);
}

TEST_F(Terminal, TheConsoleSocketGetsTheMasterSide) {
  const std::string path = dir_ / "console";
  FdListener listener(path);
  bundle_->script("stty size; echo done");
  (*bundle_)["process"]["consoleSize"] = {{"height", 33}, {"width", 44}};
  bundle_->write();
  testing::RunningCommand create(
      command_line({"create", "--console-socket", path, "--bundle", bundle_->dir(), id_}));
  std::string payload;
  const UniqueFd master = listener.receive(payload);
  ASSERT_TRUE(master);
  EXPECT_EQ(payload, "/dev/ptmx");
  EXPECT_EQ(create.wait().exit_code, 0);
  EXPECT_TRUE(::isatty(master.get()));
  EXPECT_EQ(runc({"start", id_}).exit_code, 0);
  EXPECT_EQ(read_to_end(master.get()), "33 44\r\ndone\r\n");
}

TEST_F(Terminal, TheConsoleIsTheProgramsTerminal) {
  const std::string path = dir_ / "console";
  FdListener listener(path);
  bundle_->script("echo out >/dev/console; echo tty >/dev/tty");
  bundle_->write();
  testing::RunningCommand run(
      command_line({"run", "-d", "--console-socket", path, "--bundle", bundle_->dir(), id_}));
  std::string payload;
  const UniqueFd master = listener.receive(payload);
  ASSERT_TRUE(master);
  EXPECT_EQ(run.wait().exit_code, 0);
  EXPECT_EQ(read_to_end(master.get()), "out\r\ntty\r\n");
}

TEST_F(Terminal, ADetachedOneNeedsAConsoleSocket) {
  bundle_->write();
  for (const auto& command : {std::vector<std::string>{"create"}, {"run", "-d"}}) {
    std::vector<std::string> args = command;
    args.insert(args.end(), {"--bundle", bundle_->dir(), id_});
    const CommandResult result = runc(args);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_NE(result.err.find("console socket"), std::string::npos) << result.err;
    EXPECT_TRUE(states().empty());
  }
}

TEST_F(Terminal, AConsoleSocketNeedsATerminal) {
  (*bundle_)["process"]["terminal"] = false;
  bundle_->write();
  const CommandResult result =
      runc({"create", "--console-socket", dir_ / "console", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(states().empty());
}

TEST_F(Terminal, AConsoleSocketThatNobodyListensToIsNamed) {
  bundle_->write();
  const CommandResult result =
      runc({"create", "--console-socket", dir_ / "nobody", "--bundle", bundle_->dir(), id_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("nobody"), std::string::npos) << result.err;
  EXPECT_TRUE(states().empty());
}

}  // namespace
}  // namespace minidocker::runtime
