#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>

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
  enum class Shim { runs, stopped };  ///< when the program ends

  explicit SlowReader(const State& state, Shim shim = Shim::runs) {
    // What a shim that is stopped cannot take must fit into its pipe.
    const std::string bytes = shim == Shim::stopped ? "40000" : "70000";
    if (::mkfifo((dir_ / "go").c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    go_ = ::open((dir_ / "go").c_str(), O_RDWR | O_CLOEXEC);
    command_ = std::make_unique<testing::RunningCommand>(
        state.command({"run", "--name", "slow", "-v", dir_.path() + ":/d", "busybox", "sh", "-c",
                       "echo ready; read go < /d/go; exec head -c " + bytes + " /dev/zero"}),
        CommandOptions{.pty = true});
    if (!command_->read_until("ready")) return;
    for (const pid_t pid : testing::descendants_of(command_->pid())) {
      const std::string name =
          testing::find_text("/proc/" + std::to_string(pid) + "/comm").value_or("");
      if (name == "sh\n") program_ = pid;
      if (name == "mini-shim\n") shim_ = pid;
    }
    if (shim == Shim::stopped && ::kill(shim_, SIGSTOP) != 0) return;
    if (::write(go_, "\n", 1) != 1) program_ = 0;
  }
  SlowReader(const SlowReader&) = delete;
  SlowReader& operator=(const SlowReader&) = delete;
  ~SlowReader() { ::close(go_); }
  [[nodiscard]] bool has_ended() const {
    return program_ != 0 && testing::wait_for_end(program_, std::chrono::seconds(10));
  }
  testing::RunningCommand& command() { return *command_; }
  /// Has the client taken every signal, and waits?
  [[nodiscard]] bool client_waits() const {
    const pid_t pid = command_->pid();
    return std::stoull(testing::status_field(pid, "ShdPnd"), nullptr, 16) == 0 &&
           testing::state_of(pid) == 'S';
  }
  void let_shim_go_on() const { ::kill(shim_, SIGCONT); }

 private:
  TempDir dir_;
  int go_ = -1;
  pid_t shim_ = 0;
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

TEST_F(RemovalTest, AClientThatIsEndedTogetherWithItsProgramWaitsForNobody) {
  SlowReader reader(state(), SlowReader::Shim::stopped);
  ASSERT_TRUE(reader.has_ended());
  reader.command().signal(SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!reader.client_waits() && std::chrono::steady_clock::now() < deadline) {
    static_cast<void>(testing::wait_for_end(reader.command().pid(), std::chrono::milliseconds(2)));
  }
  reader.let_shim_go_on();
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
