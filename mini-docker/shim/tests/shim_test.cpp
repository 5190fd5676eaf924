// mini-shim as its engine sees it: a socket, and the files that it leaves.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "minidocker/shim/protocol.hpp"
#include "minidocker/spec/defaults.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/testing/leak_check.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::shim {
namespace {

std::string random_id() {
  std::random_device random;
  return fmt::format("shim-test-{:08x}{:08x}", random(), random());
}

/// `sleep` in a root that has nothing but the host's programs.
spec::Spec sleeper(const std::string& id) {
  spec::Spec spec = spec::default_spec();
  spec.process.terminal = false;
  spec.process.args = {"sleep", "1000"};
  spec.root.readonly = false;
  spec.linux_.cgroups_path = "/mini-docker/" + id;
  for (const std::string dir : {"/usr", "/bin", "/lib", "/lib64"}) {
    if (exists(dir)) spec.mounts.push_back({dir, "none", dir, {"rbind", "ro"}});
  }
  return spec;
}

class ShimTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MD_NEEDS("root");
    make_dirs(dir_ / "rootfs");
    start_shim();
  }
  void TearDown() override {
    if (!shim_) return;
    engine_.reset();
    EXPECT_TRUE(shim_.wait_for(std::chrono::seconds(20))) << "without an engine it ends";
  }

  void start_shim() {
    SocketPair sockets = SocketPair::make();
    const std::array<std::pair<int, int>, 1> fds{{{sockets.theirs.get(), kSocketFd}}};
    shim_ = Process::spawn({MD_BINARY_DIR "/bin/mini-shim"}, fds);
    engine_ = std::move(sockets.ours);
    send(engine_.get(), start_message());
    ASSERT_EQ(receive_event(engine_.get()), Event(Started{}));
  }
  [[nodiscard]] Start start_message() const {
    const auto null = [] { return sys::open("/dev/null", O_RDWR).or_throw("/dev/null"); };
    Start start;
    start.id = id_;
    start.root = DirectoryRoot{dir_ / "rootfs"};
    start.directory = dir_.path();
    start.state_root = dir_ / "state";
    start.fds = {sys::memfd_create("spec", 0).or_throw(), null(), null(), null(), {}};
    write_all(start.fds.spec.get(), spec::write(sleeper(id_)), "spec");
    sys::lseek(start.fds.spec.get(), 0, SEEK_SET).or_throw();
    return start;
  }
  void say(int socket, std::string_view text) const {
    sys::send(socket, text.data(), text.size()).or_throw("shim");
  }
  /// How the container has ended, for whoever asks later.
  [[nodiscard]] int recorded_code() const { return find_exit_record(dir_.path()).value().code; }

  std::string id_ = random_id();
  TempDir dir_;
  testing::LeakCheck leaks_{{.cgroups = {"mini-docker/" + id_}}};
  Process shim_;
  UniqueFd engine_;
};

TEST_F(ShimTest, TellsAndRecordsHowTheProgramEnded) {
  send(engine_.get(), Signal{SIGTERM});  // process 1 has no handler for it
  send(engine_.get(), Signal{SIGKILL});
  EXPECT_EQ(receive_event(engine_.get()), Event(Exited{137}));
  EXPECT_EQ(recorded_code(), 137);
}

TEST_F(ShimTest, AnEngineThatIsNotUnderstoodIsAsGoodAsGone) {
  say(engine_.get(), R"({"type":"fly"})");
  EXPECT_EQ(shim_.wait_for(std::chrono::seconds(20)), (ExitStatus{0, 0}));
  EXPECT_EQ(recorded_code(), 137);
}

TEST_F(ShimTest, AClientThatIsNotUnderstoodLosesItsConnectionOnly) {
  const UniqueFd client = connect(dir_.path()).value();
  say(client.get(), R"({"type":"signal","number":1000})");
  EXPECT_FALSE(receive_event(client.get()));
  EXPECT_FALSE(shim_.try_wait());
}

}  // namespace
}  // namespace minidocker::shim
