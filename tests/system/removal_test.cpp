#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "mini_docker_fixture.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::system_test {
namespace {

/// Removing what somebody else is at work on.
class RemovalTest : public MiniDockerTest {
 protected:
  static pid_t find_descendant(pid_t of, const std::string& name) {
    for (const pid_t pid : testing::descendants_of(of)) {
      if (testing::find_text("/proc/" + std::to_string(pid) + "/comm") == name + "\n") return pid;
    }
    return 0;
  }
  [[nodiscard]] bool is_listed(const std::string& status) const {
    return docker({"ps", "-a"}).out.find(status) != std::string::npos;
  }
};

/// A client whose terminal nobody reads, and whose program has ended: it printed more than a
/// terminal holds, but not more than terminal and pipe.
class SlowReader {
 public:
  explicit SlowReader(const State& state) {
    if (::mkfifo((dir_ / "go").c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    go_ = ::open((dir_ / "go").c_str(), O_RDWR | O_CLOEXEC);
    command_ = std::make_unique<testing::RunningCommand>(
        state.command({"run", "--name", "slow", "-v", dir_.path() + ":/d", "busybox", "sh", "-c",
                       "echo ready; read go < /d/go; exec head -c 70000 /dev/zero"}),
        CommandOptions{.pty = true});
    if (!command_->read_until("ready")) return;
    for (const pid_t pid : testing::descendants_of(command_->pid())) {
      if (testing::find_text("/proc/" + std::to_string(pid) + "/comm") == "sh\n") program_ = pid;
    }
    if (::write(go_, "\n", 1) != 1) program_ = 0;
  }
  SlowReader(const SlowReader&) = delete;
  SlowReader& operator=(const SlowReader&) = delete;
  ~SlowReader() { ::close(go_); }
  [[nodiscard]] bool has_ended() const {
    return program_ != 0 && testing::wait_for_end(program_, std::chrono::seconds(10));
  }
  testing::RunningCommand& command() { return *command_; }

 private:
  TempDir dir_;
  int go_ = -1;
  std::unique_ptr<testing::RunningCommand> command_;
  pid_t program_ = 0;
};

TEST_F(RemovalTest, ByForceWaitsForNobodyWhoIsSlowToRead) {
  SlowReader reader(state());
  ASSERT_TRUE(reader.has_ended());
  const CommandResult removed = docker({"rm", "-f", "slow"});
  EXPECT_EQ(removed.exit_code, 0) << removed.in_words();
  EXPECT_EQ(removed.out, "slow\n");
  EXPECT_TRUE(testing::wait_for_end(reader.command().pid(), std::chrono::seconds(10)));
  static_cast<void>(reader.command().wait());
}

TEST_F(RemovalTest, ASlowReadersClientCanBeEnded) {
  SlowReader reader(state());
  ASSERT_TRUE(reader.has_ended());
  reader.command().signal(SIGTERM);
  EXPECT_TRUE(testing::wait_for_end(reader.command().pid(), std::chrono::seconds(10)));
  EXPECT_EQ(reader.command().wait().exit_code, 0);
  EXPECT_EQ(docker({"rm", "slow"}).exit_code, 0);
}

/// A client that stands still between making and starting its container: strace stops it there.
class StoppedClient {
 public:
  explicit StoppedClient(const State& state) {
    Words words{testing::path_of("strace"),
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                "trace=signalfd4",
                "-e",
                "inject=signalfd4:signal=STOP:when=1"};
    const Words run =
        state.command({"run", "--name", "ww", "busybox", "sh", "-c", "exec sleep 1000"});
    words.insert(words.end(), run.begin(), run.end());
    command_ = std::make_unique<testing::RunningCommand>(words);
  }
  void go_on() const {
    for (const pid_t pid : testing::descendants_of(command_->pid())) ::kill(pid, SIGCONT);
  }
  testing::RunningCommand& command() { return *command_; }

 private:
  std::unique_ptr<testing::RunningCommand> command_;
};

TEST_F(RemovalTest, OfAContainerThatIsAboutToBeStartedIsAConflict) {
  MD_NEEDS("strace");
  StoppedClient client(state());
  while (!is_listed("Created")) ASSERT_EQ(testing::state_of(client.command().pid()) == 'Z', false);
  expect_refused(docker({"rm", "ww"}), 1, "about to be started");
  testing::RunningCommand remover(state().command({"rm", "-f", "ww"}));
  // The client is listed before it stops: it is told until the remover, who waits for it, ends.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (testing::state_of(remover.pid()) != 'Z' && std::chrono::steady_clock::now() < deadline) {
    client.go_on();
  }
  const CommandResult removed = remover.wait();
  EXPECT_EQ(removed.exit_code, 0) << removed.in_words();
  EXPECT_EQ(removed.out, "ww\n");
  EXPECT_NE(client.command().wait().exit_code, 0);
}

TEST_F(RemovalTest, LeavesNoLockBehindWhoeverComesSecond) {
  testing::RunningCommand command(state().command(
      {"run", "--rm", "--name", "busy", "busybox", "sh", "-c", "echo ready; exec sleep 1000"}));
  ASSERT_TRUE(command.read_until("ready"));
  testing::RunningCommand first(state().command({"rm", "-f", "busy"}));
  testing::RunningCommand second(state().command({"rm", "-f", "busy"}));
  EXPECT_EQ(first.wait().exit_code, 0);
  EXPECT_EQ(second.wait().exit_code, 0);
  EXPECT_EQ(command.wait().exit_code, 137);
}

}  // namespace
}  // namespace minidocker::system_test
