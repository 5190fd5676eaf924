/// \file
/// The crash sweep of mini-docker: the client is killed at its k-th kernel call, and mini-worker at
/// the calls that put things into their places. After the next command nothing is left.
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "call_names.hpp"
#include "faulty_run.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {
namespace {

using Words = std::vector<std::string>;

/// Every third call: all of them, of `run` 600 and of `load` 300, would take more than a minute. A
/// copy is many calls of a few kinds.
constexpr int kStride = 3;
constexpr int kStrideOfCopy = 61;
constexpr int kStrideOfRemoval = 89;
constexpr int kStrideOfSave = 9;
constexpr std::chrono::seconds kPatience{10};

/// A state directory, empty or with the test image.
class DockerState {
 public:
  DockerState() {
    char name[] = "/tmp/mini-docker-faults-XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
    dir_ = name;
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }
  DockerState(const DockerState&) = delete;
  DockerState& operator=(const DockerState&) = delete;
  ~DockerState() { static_cast<void>(run_command({"rm", "-rf", dir_})); }

  [[nodiscard]] std::string err_path() const { return dir_ + "/err"; }
  [[nodiscard]] Words command(const Words& args) const {
    Words words{MD_BINARY_DIR "/bin/mini-docker", "--root", dir_ + "/state"};
    words.insert(words.end(), args.begin(), args.end());
    return words;
  }
  [[nodiscard]] CommandResult call(const Words& args) const { return run_command(command(args)); }
  [[nodiscard]] CommandResult load() const { return call({"load", "-i", path_of("busybox")}); }

  /// What there is besides images, complete layers, and the records.
  [[nodiscard]] Words leftovers() const {
    Words left;
    for (const char* place : {"containers", "run/shim", "run/runtime", "run/oci", "tmp"}) {
      for (const std::string& path : files_below(dir_ + "/state/" + place)) {
        left.push_back(place + ("/" + path));
      }
    }
    for (const std::string& path : files_below(dir_ + "/state/run/lock")) {
      if (path != "engine") left.push_back("run/lock/" + path);
    }
    return left;
  }
  /// Blobs and layers, of which a state without an image has none.
  [[nodiscard]] Words content() const {
    Words all = files_below(dir_ + "/state/images/blobs/sha256");
    for (const std::string& path : files_below(dir_ + "/state/layers/sha256")) all.push_back(path);
    return all;
  }

 private:
  std::string dir_;
};

/// Shim and worker outlive their client for as long as it takes them to notice.
void await_orphans() {
  for (const pid_t pid : descendants_of(::getpid())) EXPECT_TRUE(wait_for_end(pid, kPatience));
}

void expect_recovered(const DockerState& state, const std::string& where) {
  const CommandResult list = state.call({"ps", "-aq"});
  EXPECT_EQ(list.exit_code, 0) << where << list.in_words();
  EXPECT_EQ(list.out, "") << where;
  EXPECT_EQ(list.err, "") << where;
  EXPECT_EQ(state.leftovers(), Words{}) << where;
  if (!state.call({"images", "-q"}).out.empty()) return;
  EXPECT_EQ(state.content(), Words{}) << where;
}

/// Kills the client of `args` at each stride-th call. Returns how often.
int sweep(const DockerState& state, const Words& args, int stride = kStride) {
  int fired = 0;
  for (int k = 1; !::testing::Test::HasFailure(); k += stride) {
    const FaultyRun run =
        run_struck(state.command(args), {Side::parent, k, 0, {}, {}}, state.err_path());
    if (!run.fired) break;
    ++fired;
    await_orphans();
    expect_recovered(state, "killed at call " + std::to_string(k) + ", " + call_name(run.call) +
                                " " + run.detail + "\n");
  }
  return fired;
}

TEST(DockerCrashSweep, RunKilledAtAnyCallLeavesNothingAfterTheNextCommand) {
  MD_NEEDS("root", "overlay", "busybox");
  const DockerState state;
  ASSERT_EQ(state.load().exit_code, 0);
  const Words before = state.content();
  EXPECT_GT(sweep(state, {"run", "--rm", "busybox", "true"}), 150);
  EXPECT_EQ(state.content(), before);
}

TEST(DockerCrashSweep, ARunOnACopyKilledAtAnyCallLeavesNothingAfterTheNextCommand) {
  MD_NEEDS("root", "overlay", "busybox");
  const DockerState state;
  ASSERT_EQ(state.call({"--storage-driver", "vfs", "load", "-i", path_of("busybox")}).exit_code, 0);
  const Words before = state.content();
  EXPECT_GT(sweep(state, {"run", "--rm", "busybox", "true"}, kStrideOfCopy), 20);
  EXPECT_EQ(state.content(), before);
}

TEST(DockerCrashSweep, LoadKilledAtAnyCallLeavesNothingAfterTheNextCommand) {
  MD_NEEDS("root", "overlay", "busybox");
  const DockerState state;
  EXPECT_GT(sweep(state, {"load", "-i", path_of("busybox")}), 80);
  EXPECT_EQ(state.load().exit_code, 0);
  EXPECT_EQ(state.call({"run", "--rm", "busybox", "true"}).exit_code, 0);
}

/// Blobs that are not what their names say, and such that images lack: none, however it was killed.
void expect_whole(const DockerState& state, const std::string& where) {
  const CommandResult checked = state.call({"image", "check"});
  EXPECT_EQ(checked.exit_code, 0) << where << checked.in_words();
}

/// What removes images, killed: after the next command the image is whole, or gone with all that it
/// consisted of. Returns how often it was there and how often gone.
std::pair<int, int> sweep_removal(const Words& args, int stride) {
  const DockerState state;
  std::pair<int, int> ends;
  for (int k = 1; !::testing::Test::HasFailure(); k += stride) {
    // It may be there without its name, which goes first.
    const bool is_named = !state.call({"images", "-q", "busybox"}).out.empty();
    EXPECT_EQ(is_named ? 0 : state.load().exit_code, 0);
    const FaultyRun run =
        run_struck(state.command(args), {Side::parent, k, 0, {}, {}}, state.err_path());
    if (!run.fired) break;
    const std::string where = "killed at call " + std::to_string(k) + ", " + call_name(run.call) +
                              " " + run.detail + "\n";
    expect_recovered(state, where);
    expect_whole(state, where);
    ++(state.call({"images", "-q"}).out.empty() ? ends.second : ends.first);
  }
  return ends;
}

TEST(DockerCrashSweep, RmiKilledAtAnyCallLeavesTheImageWholeOrGone) {
  MD_NEEDS("root", "overlay", "busybox");
  const auto [there, gone] = sweep_removal({"rmi", "busybox"}, kStrideOfRemoval);
  EXPECT_GT(there, 0);
  EXPECT_GT(gone, 5);
}

TEST(DockerCrashSweep, PruneKilledAtAnyCallLeavesTheImageWholeOrGone) {
  MD_NEEDS("root", "overlay", "busybox");
  const auto [there, gone] = sweep_removal({"system", "prune", "-af"}, 2 * kStrideOfRemoval);
  EXPECT_GT(there, 0);
  EXPECT_GT(gone, 2);
}

TEST(DockerCrashSweep, SaveKilledAtAnyCallLeavesTheWholeArchiveOrNone) {
  MD_NEEDS("root", "overlay", "busybox");
  const DockerState state;
  ASSERT_EQ(state.load().exit_code, 0);
  const std::string file = state.err_path() + ".tar";
  ASSERT_EQ(state.call({"save", "-o", file, "busybox"}).exit_code, 0);
  const std::string whole = read_text(file);
  int fired = 0;
  for (int k = 1; !HasFailure(); k += kStrideOfSave) {
    ASSERT_EQ(run_command({"sh", "-c", "rm -f " + file + "*"}).exit_code, 0);
    const FaultyRun run = run_struck(state.command({"save", "-o", file, "busybox"}),
                                     {Side::parent, k, 0, {}, {}}, state.err_path());
    if (!run.fired) break;
    ++fired;
    await_orphans();
    expect_recovered(state, "save killed at call " + std::to_string(k) + "\n");
    EXPECT_EQ(find_text(file).value_or(whole), whole);
    EXPECT_EQ(run_command({"sh", "-c", "ls " + file + ".tmp-*"}).out, "");
  }
  EXPECT_GT(fired, 5);
  expect_whole(state, "save");
}

/// strace counts for each process; these calls are the worker's alone.
void kill_worker(const std::string& call, int k) {
  const DockerState state;
  EXPECT_EQ(state.call({"images", "-q"}).out, "") << "the client has made its store";
  Words words{path_of("strace"),
              "-f",
              "-qq",
              "-o",
              "/dev/null",
              "-e",
              "trace=" + call,
              "-e",
              "inject=" + call + ":signal=KILL:when=" + std::to_string(k)};
  const Words load = state.command({"load", "-i", path_of("busybox")});
  words.insert(words.end(), load.begin(), load.end());
  const std::string where = call + " " + std::to_string(k) + ": ";
  const CommandResult killed = run_command(words);
  EXPECT_EQ(killed.exit_code, 1) << where << killed.in_words();
  EXPECT_NE(killed.err.find("mini-worker ended without a word"), std::string::npos) << where;
  await_orphans();
  expect_recovered(state, where);
}

TEST(DockerCrashSweep, AKilledWorkerLeavesNothingAfterTheNextCommand) {
  MD_NEEDS("root", "overlay", "busybox", "strace");
  for (const int k : {1, 60, 200}) kill_worker("utimensat", k);
  kill_worker("syncfs", 1);
}

// The layers are in their places then, and blobs one by one, but nothing names them.
TEST(DockerCrashSweep, AWorkerKilledBetweenRenamesLeavesNothingAfterTheNextCommand) {
  MD_NEEDS("root", "overlay", "busybox", "strace");
  for (int k = 1; k <= 9; ++k) kill_worker("renameat2", k);
}

}  // namespace
}  // namespace minidocker::testing
