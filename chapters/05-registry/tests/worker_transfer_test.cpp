// mini-worker and registries that cut the line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "layout_server.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "worker_fixture.hpp"

namespace minidocker::registry {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

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

}  // namespace
}  // namespace minidocker::registry
