// What tests/vm/run promises to somebody at a terminal, and of a disk whose machine dies.

#include <stdlib.h>
#include <sys/ioctl.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {
namespace {

constexpr std::chrono::seconds kLimit{300};

std::vector<std::string> vm(std::vector<std::string> words) {
  std::vector<std::string> argv{MD_SOURCE_DIR "/tests/vm/run", "--build", MD_BINARY_DIR};
  std::move(words.begin(), words.end(), std::back_inserter(argv));
  return argv;
}

CommandOptions at_a_terminal() {
  CommandOptions options;
  options.pty = true;
  options.limit = kLimit;
  return options;
}

CommandOptions patient() {
  CommandOptions options;
  options.limit = kLimit;
  return options;
}

class Scratch {
 public:
  Scratch() { EXPECT_NE(nullptr, ::mkdtemp(path_.data())); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "mini-docker-vm-test.XXXXXX";
};

TEST(VmShell, HasATerminalWithItsSizeAndJobControl) {
  MD_NEEDS("qemu", "tty");
  RunningCommand shell(vm({}), at_a_terminal());
  const struct winsize size{.ws_row = 33, .ws_col = 99, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(0, ::ioctl(shell.terminal(), TIOCSWINSZ, &size));
  ASSERT_TRUE(shell.read_until("vm:")) << shell.out();
  shell.write("stty size; tty\n");
  EXPECT_TRUE(shell.read_until("33 99\r\n/dev/hvc0")) << shell.out();
  shell.write("sh -c 'echo waits; exec sleep 1000'\n");
  ASSERT_TRUE(shell.read_until("waits\r\n")) << shell.out();
  shell.write("\x1a");
  EXPECT_TRUE(shell.read_until("Stopped")) << shell.out();
  shell.write("kill -9 %1; echo asked: $?\n");
  EXPECT_TRUE(shell.read_until("asked: 0")) << shell.out();
  shell.write("PS1=next:; sh -c 'echo runs; exec sleep 1000'\n");
  ASSERT_TRUE(shell.read_until("runs\r\n")) << shell.out();
  shell.write("\x03");
  EXPECT_TRUE(shell.read_until("\nnext:")) << shell.out();
  shell.write("echo ended: $?; exit 3\n");
  EXPECT_TRUE(shell.read_until("ended: 130")) << shell.out();
  EXPECT_EQ(3, shell.wait().exit_code) << shell.out();
}

TEST(VmShell, UnderSystemdIsTheUsersAndCtrlBracketLeavesIt) {
  MD_NEEDS("qemu", "tty");
  RunningCommand shell(vm({"--systemd", "--user", "user"}), at_a_terminal());
  ASSERT_TRUE(shell.read_until("vm:")) << shell.out();
  shell.write("id -un; cat /proc/self/cgroup\n");
  EXPECT_TRUE(shell.read_until("user\r\n0::/user.slice/user-1000.slice/session-")) << shell.out();
  shell.write("\x1d");
  EXPECT_EQ(0, shell.wait().exit_code) << shell.out();
}

/// The last whole line of `text`, a number.
int last_line(const std::string& text) {
  const auto end = text.rfind('\n');
  const auto begin = text.rfind('\n', end - 1) + 1;
  return std::stoi(text.substr(begin, end - begin));
}

// Each number is told only after its file and directory have been synced: all that were told must
// be there.
TEST(VmDisk, HoldsWhatWasSyncedBeforeTheMachineWasKilled) {
  MD_NEEDS("qemu");
  const Scratch scratch;
  const std::string disk = scratch.path() + "/disk:64M";
  std::random_device random;
  const int rounds = std::uniform_int_distribution<int>(3, 20)(random);
  RunningCommand writer(
      vm({"--disk", disk, "sh", "-ec",
          "i=0; while :; do i=$((i + 1)); echo $i >/data/$i; sync /data/$i /data; echo $i; done"}),
      patient());
  ASSERT_TRUE(writer.read_until("\n" + std::to_string(rounds) + "\n")) << writer.err();
  writer.signal(SIGTERM);  // to run, which ends QEMU by SIGKILL
  const std::string told = writer.wait().out;
  const auto reader =
      run_command(vm({"--disk", disk, "sh", "-ec",
                      "i=1; while [ \"$(cat /data/$i 2>/dev/null)\" = $i ]; do i=$((i + 1)); done; "
                      "echo $((i - 1)); dmesg | grep -c 'recovery complete' || true"}),
                  patient());
  ASSERT_EQ(0, reader.exit_code) << reader.in_words();
  EXPECT_LE(last_line(told), std::stoi(reader.out)) << reader.in_words();
  EXPECT_NE(std::string::npos, reader.out.find("\n1\n")) << "the journal was not replayed";
}

}  // namespace
}  // namespace minidocker::testing
