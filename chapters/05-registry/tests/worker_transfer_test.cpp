// mini-worker and registries that cut the line; mini-worker killed at any call, and calls that
// fail.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <latch>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "docker_registry.hpp"
#include "layout_server.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::registry {
namespace {

using images::WorkerEvent;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using Words = std::vector<std::string>;

// A state directory, and workers that pull into it and push from it.
class WorkerTransfer : public ::testing::Test {
 protected:
  [[nodiscard]] images::WorkerRequest request(images::WorkerVerb verb) const {
    images::WorkerRequest request;
    request.verb = verb;
    request.store = dir_ / "state/images";
    request.layers = dir_ / "state/layers";
    request.temporaries = dir_ / "state/tmp";
    return request;
  }
  [[nodiscard]] Words command(const std::string& host, Words below = {}) const {
    images::WorkerRequest request = this->request(verb_);
    request.reference = host + "/busybox:1";
    request.plain_http = images::PlainHttp::yes;
    below.emplace_back(MD_BINARY_DIR "/bin/mini-worker");
    for (const std::string& argument : request.to_arguments()) below.push_back(argument);
    return below;
  }

  // Runs one; its last event is in last_ then, if it told anything.
  testing::CommandResult run(const std::string& host, Words below = {}) {
    Pipe pipe = Pipe::make();
    const testing::CommandResult result = testing::run_command(
        command(host, std::move(below)), {.fds = {{pipe.write_end.get(), images::kProgressFd}}});
    pipe.write_end.reset();
    last_.reset();
    for (const std::string& line : testing::lines_of(read_all(pipe.read_end.get(), "progress"))) {
      last_ = WorkerEvent::parse(line);
    }
    return result;
  }

  // False if it makes fewer such calls than that; then it must succeed.
  bool is_killed(const std::string& host, const std::string& inject) {
    const testing::CommandResult result =
        run(host, {"strace", "-f", "-o", "/dev/null", "-e", inject});
    if (result.signal == SIGKILL) return true;
    EXPECT_EQ(result.exit_code, 0)
        << inject << ": " << result.in_words() << (last_ ? last_->message : "");
    return false;
  }

  [[nodiscard]] images::Store store() const { return images::Store::open(dir_ / "state/images"); }

  // All that is there is what its name says, and an image that has a name is whole.
  void expect_good() {
    EXPECT_THAT(store().check(), IsEmpty());
    const images::LayerStore layers(dir_ / "state/layers");
    for (const images::Image& image : store().images()) {
      EXPECT_THAT(layers.missing_of(store().config_of(image)), IsEmpty());
    }
    for (const std::string& layer : list_dir(dir_ / "state/layers/sha256")) {
      EXPECT_EQ(testing::files_below(dir_ / "state/layers/sha256/" + layer), whole_.at(layer));
    }
  }

  // What the layers should hold, by a pull that nobody disturbs.
  void pull_undisturbed(const std::string& host) {
    const testing::CommandResult result = run(host);
    ASSERT_EQ(result.exit_code, 0) << result.in_words() << (last_ ? last_->message : "");
    for (const std::string& layer : list_dir(dir_ / "state/layers/sha256")) {
      whole_[layer] = testing::files_below(dir_ / "state/layers/sha256/" + layer);
    }
    forget_all();
  }
  void forget_all() { remove_tree(dir_ / "state"); }

  images::WorkerVerb verb_ = images::WorkerVerb::pull;
  TempDir dir_;
  std::optional<WorkerEvent> last_;
  std::map<std::string, Words> whole_;  // by layer
};

std::string largest_blob() {
  const std::string blobs = testing::path_of("busybox") + "/blobs/sha256/";
  std::string largest;
  off_t most = 0;
  for (const std::string& name : list_dir(blobs)) {
    struct stat status{};
    if (::stat((blobs + name).c_str(), &status) == 0 && status.st_size > most) {
      most = status.st_size;
      largest = name;
    }
  }
  return largest;
}

TEST_F(WorkerTransfer, GoesOnWhereAKilledOneWas) {
  MD_NEEDS("root", "busybox");
  const std::string largest = largest_blob();
  std::latch asked_again(1);
  std::latch killed(1);
  std::atomic<int> times = 0;
  LayoutServer server(testing::path_of("busybox"), [&](const std::string& path) -> std::uint64_t {
    if (path.find(largest) == path.npos || killed.try_wait()) return LayoutServer::kAll;
    if (times++ == 0) return 100'000;  // and a cut
    asked_again.count_down();
    killed.wait();
    return 0;
  });
  {
    Pipe progress = Pipe::make();
    const std::array<std::pair<int, int>, 1> fds{{{progress.write_end.get(), images::kProgressFd}}};
    Process worker = Process::spawn(command(server.host()), fds);
    asked_again.wait();
    worker.send(SIGKILL);
    worker.wait();
  }
  killed.count_down();
  EXPECT_THAT(store().images(), IsEmpty());
  const std::uint64_t before = server.sent();
  const testing::CommandResult result = run(server.host());
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
  struct stat status{};
  ASSERT_EQ(::stat((testing::path_of("busybox") + "/blobs/sha256/" + largest).c_str(), &status), 0);
  EXPECT_LT(server.sent() - before, static_cast<std::uint64_t>(status.st_size))
      << "what had come was fetched again";
  EXPECT_THAT(store().images(), SizeIs(1));
}

TEST_F(WorkerTransfer, TwoOfOneImageAtOnceFetchItOnce) {
  MD_NEEDS("root", "busybox");
  // Nothing is sent but manifests until both have asked for one.
  std::latch both(2);
  LayoutServer server(testing::path_of("busybox"), [&](const std::string& path) {
    if (path.find("/manifests/") != path.npos) both.count_down();
    both.wait();
    return LayoutServer::kAll;
  });
  std::vector<std::jthread> workers;
  std::array<int, 2> codes{};
  for (int& code : codes) {
    workers.emplace_back([&] {
      Pipe progress = Pipe::make();
      code = testing::run_command(command(server.host()),
                                  {.fds = {{progress.write_end.get(), images::kProgressFd}}})
                 .exit_code;
    });
  }
  workers.clear();
  EXPECT_THAT(codes, Each(0));
  EXPECT_THAT(server.asked("/blobs/"),
              AllOf(::testing::Not(IsEmpty()), Each(Pair(::testing::_, 1))));
}

// Calls that write, move, wait or ask; each thread of the worker counts for itself.
constexpr std::array kPullCalls{"openat", "write", "renameat2", "fsync", "futex"};

// How many of each call are struck: few, or all, which takes minutes (MD_SWEEP=all).
int stride() {
  const char* sweep = std::getenv("MD_SWEEP");
  return sweep != nullptr && std::string_view(sweep) == "all" ? 1 : 29;
}

TEST_F(WorkerTransfer, KilledAtAnyCallLeavesWhatTheNextOneGoesOnWith) {
  MD_NEEDS("root", "busybox", "strace");
  LayoutServer server(testing::path_of("busybox"));
  pull_undisturbed(server.host());
  int kills = 0;
  for (const char* call : kPullCalls) {
    for (int k = 1;; k += stride()) {
      const std::string inject = fmt::format("inject={}:signal=KILL:when={}", call, k);
      if (!is_killed(server.host(), inject)) break;
      ++kills;
      expect_good();
      if (HasFailure()) FAIL() << inject;
    }
    EXPECT_EQ(run(server.host()).exit_code, 0) << call;
    expect_good();
    forget_all();
  }
  RecordProperty("kills", kills);
  fmt::print("pull: {} kills, all recovered\n", kills);
  EXPECT_GT(kills, 5);
}

TEST_F(WorkerTransfer, CallsThatFailAreToldOrDoNotMatter) {
  MD_NEEDS("root", "busybox", "strace");
  LayoutServer server(testing::path_of("busybox"));
  pull_undisturbed(server.host());
  int refused = 0;
  int tolerated = 0;
  constexpr std::array<std::pair<const char*, const char*>, 5> kFailures{{{"openat", "ENOSPC"},
                                                                          {"write", "ENOSPC"},
                                                                          {"renameat2", "EIO"},
                                                                          {"fsync", "EIO"},
                                                                          {"syncfs", "EIO"}}};
  for (const auto& [call, error] : kFailures) {
    for (int k = 1;; k += stride()) {
      const std::string inject = fmt::format("inject={}:error={}:when={}", call, error, k);
      const testing::CommandResult result =
          run(server.host(), {"strace", "-f", "-e", inject, "-e", "trace=" + std::string(call)});
      expect_good();
      if (result.err.find("(INJECTED)") == std::string::npos) break;
      EXPECT_EQ(result.signal, 0) << inject;
      (result.exit_code == 0 ? tolerated : refused) += 1;
      if (last_ && last_->type == WorkerEvent::Type::error) {
        EXPECT_THAT(last_->message, HasSubstr(error)) << inject;
      }
      if (HasFailure()) FAIL() << inject;
      forget_all();
    }
  }
  fmt::print("pull: {} refused, {} tolerated\n", refused, tolerated);
  EXPECT_GT(refused, 3);
}

constexpr std::array kPushCalls{"openat", "pread64", "sendto", "recvfrom", "poll"};

TEST_F(WorkerTransfer, APushThatIsKilledAtAnyCallIsFinishedByTheNextOne) {
  MD_NEEDS("root", "busybox", "docker-registry", "strace");
  testing::in_sandbox([this] {
    bring_up_loopback();
    const DockerRegistry peer(5000);
    const LayoutServer server(testing::path_of("busybox"));
    ASSERT_EQ(run(server.host()).exit_code, 0);
    const images::Image image = store().images().at(0);
    int kills = 0;
    verb_ = images::WorkerVerb::push;
    for (const char* call : kPushCalls) {
      // A repository of its own, so that everything is sent.
      const std::string host = peer.host() + "/" + call;
      store().add_image(store().lock(), image.manifest,
                        {images::ImageName::parse(host + "/busybox:1")});
      for (int k = 1;; k += stride()) {
        const std::string inject = fmt::format("inject={}:signal=KILL:when={}", call, k);
        if (!is_killed(host, inject)) break;
        ++kills;
        ASSERT_THAT(store().check(), IsEmpty()) << inject;
      }
      EXPECT_EQ(run(host).exit_code, 0) << call << ": " << (last_ ? last_->message : "");
    }
    fmt::print("push: {} kills, all recovered\n", kills);
    EXPECT_GT(kills, 4);
  });
}

}  // namespace
}  // namespace minidocker::registry
