/// \file
/// The crash sweep over layers: a stack is mounted, sealed and exported, and whoever does it is
/// killed, or refused, at each kernel call. Prints rows of the tables of docs/crash-sweep.md.
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "call_names.hpp"
#include "faulty_run.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {
namespace {

using Words = std::vector<std::string>;

constexpr std::chrono::seconds kGrace{10};

/// A stack of the demo `layers`: one sealed layer, and work on top of it.
class Layers {
 public:
  Layers() : dir_(make_dir()) {
    must({"new"});
    must({"in", "--", "sh", "-c", "echo one > kept; echo one > gone; mkdir again; : > again/x"});
    must({"seal"});
    must({"in", "--", "sh", "-c", "echo two > kept; rm -r gone again; mkdir again"});
  }
  Layers(const Layers&) = delete;
  Layers& operator=(const Layers&) = delete;
  ~Layers() { static_cast<void>(run_command({"rm", "-rf", "--one-file-system", dir_})); }

  /// Another one that holds the same.
  [[nodiscard]] Layers copy() const { return Layers(*this, make_dir()); }
  /// `layers COMMAND DIR REST...`
  [[nodiscard]] Words argv(const Words& words) const {
    Words all{MD_BINARY_DIR "/bin/layers", words.front(), dir_ + "/stack"};
    all.insert(all.end(), words.begin() + 1, words.end());
    return all;
  }
  std::string must(const Words& words) const {
    const CommandResult result = run_command(argv(words));
    EXPECT_EQ(result.exit_code, 0) << result.in_words();
    return result.out;
  }
  [[nodiscard]] FaultyRun strike(const Words& words, const Strike& strike) const {
    return run_struck(argv(words), strike, dir_ + "/err");
  }
  /// Nobody lives, nothing is mounted, and whoever looks in sees what was written.
  void expect_whole(const std::string& where) const {
    for (const pid_t pid : descendants_of(::getpid())) {
      EXPECT_TRUE(wait_for_end(pid, kGrace)) << where << ": lives on";
    }
    while (::waitpid(-1, nullptr, WNOHANG | __WALL) > 0) continue;
    for (const std::string& mount : mounts_of(::getpid())) {
      EXPECT_EQ(mount.find(dir_), std::string::npos) << where << ": left " << mount;
    }
    EXPECT_EQ(must({"in", "--", "sh", "-c", "ls; ls again; cat kept"}), "again\nkept\ntwo\n")
        << where;
  }

 private:
  Layers(const Layers& like, std::string dir) : dir_(std::move(dir)) {
    const CommandResult copied = run_command({"cp", "-a", like.dir_ + "/stack", dir_});
    EXPECT_EQ(copied.exit_code, 0) << copied.in_words();
  }
  static std::string make_dir() {
    char name[] = "/tmp/mini-docker-faults.XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp in /tmp");
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);  // what outlives its maker comes to us
    return name;
  }
  std::string dir_;
};

/// Something that is done to a stack, and what must hold after it was struck.
struct Operation {
  const char* name;
  Side side;
  Words words;
  std::function<void(const std::string& where)> after;
};

std::string place_of(const Operation& operation, int k, const FaultyRun& run) {
  return fmt::format("{} struck at call {}, {} {}; {}", operation.name, k, call_name(run.call),
                     run.detail, run.err);
}

/// Kills at the k-th call for every k; returns how often.
int sweep(const Layers& layers, const Operation& operation) {
  int fired = 0;
  for (int k = 1; !::testing::Test::HasFailure(); ++k) {
    const FaultyRun run = layers.strike(operation.words, {operation.side, k, 0, {}, {}});
    if (!run.fired) break;
    ++fired;
    const std::string where = place_of(operation, k, run);
    if (operation.side == Side::child) {
      EXPECT_EQ(run.exit_code, 128 + SIGKILL) << where;
    }
    layers.expect_whole(where);
    operation.after(where);
  }
  std::printf("| %s | %s | %d |\n", operation.name,
              operation.side == Side::parent ? "layers" : "its child", fired);
  return fired;
}

TEST(LayersCrashSweep, AMountKilledAtAnyCallLeavesNoMountAndTheStackAsItWas) {
  MD_NEEDS("root", "overlay");
  const Layers layers;
  const std::string before = layers.must({"export"});
  const auto unchanged = [&](const std::string& where) {
    EXPECT_EQ(layers.must({"export"}), before) << where;
  };
  const Words mount{"in", "--", "true"};
  EXPECT_GT(sweep(layers, {"mount", Side::parent, mount, unchanged}), 30);
  EXPECT_GT(sweep(layers, {"mount", Side::child, mount, unchanged}), 8);
}

TEST(LayersCrashSweep, AnExportKilledAtAnyCallChangesNothing) {
  MD_NEEDS("root", "overlay");
  const Layers layers;
  const std::string before = layers.must({"export"});
  EXPECT_NE(before.find("again/.wh..wh..opq"), std::string::npos) << before;
  EXPECT_GT(sweep(layers, {"export",
                           Side::parent,
                           {"export"},
                           [&](const std::string& where) {
                             EXPECT_EQ(layers.must({"export"}), before) << where;
                           }}),
            40);
}

// Whether it came to be a layer or not: it is seen, and the next one can be sealed. A stack for
// each kill, as each layer more is more calls.
TEST(LayersCrashSweep, ASealKilledAtAnyCallLosesNothingAndCanBeRepeated) {
  MD_NEEDS("root", "overlay");
  const Layers original;
  int fired = 0;
  for (bool has_fired = true; has_fired && !::testing::Test::HasFailure();) {
    const Layers layers = original.copy();
    const FaultyRun run = layers.strike({"seal"}, {Side::parent, fired + 1, 0, {}, {}});
    has_fired = run.fired;
    const std::string where =
        fmt::format("seal killed at call {}, {} {}", fired + 1, call_name(run.call), run.detail);
    layers.expect_whole(where);
    layers.must({"seal"});
    layers.expect_whole(where + ", sealed again");
    if (has_fired) ++fired;
  }
  std::printf("| seal | layers | %d |\n", fired);
  EXPECT_GT(fired, 30);
}

/// Failures that need not stop anything: what is put back for nobody, and a program that may lie
/// further along PATH.
bool is_tolerated(const FaultyRun& run) {
  const std::string call = call_name(run.call);
  if (call == "newfstatat" || call == "faccessat2") return run.detail.ends_with("/true");
  return call == "rt_sigprocmask" || call == "ppoll";
}

/// The C library's calls before main are not ours, and the kernel closes whatever close(2) says.
bool is_ours(long call) { return !is_of_the_library(call) && call != SYS_close; }

/// What a call that failed with `name` must have led to: a line that says so; true if it stopped
/// the operation.
bool was_told(const FaultyRun& run, const std::string& name, const std::string& where) {
  if (run.exit_code == 0) {
    EXPECT_TRUE(is_tolerated(run)) << where << ": went on in silence";
    return false;
  }
  EXPECT_NE(run.err.find(name), std::string::npos) << where;
  return true;
}

/// Has each call fail with `error`, which must be told; returns how many did.
int refuse(const Layers& layers, const Operation& operation, int error, const std::string& name) {
  int failed = 0;
  // The first question is for the lowest layer.
  const char* begin = operation.side == Side::parent ? "/stack/1" : "";
  for (int k = 1; !::testing::Test::HasFailure(); ++k) {
    const FaultyRun run =
        layers.strike(operation.words, {operation.side, k, error, is_ours, begin});
    if (!run.fired) break;
    const std::string where = place_of(operation, k, run);
    if (was_told(run, name, where)) ++failed;
    layers.expect_whole(where);
  }
  std::printf("| %s | %s | %d |\n", operation.name, name.c_str(), failed);
  return failed;
}

TEST(LayersInjection, AFullOrBrokenDiskIsToldAndLosesNothing) {
  MD_NEEDS("root", "overlay");
  for (const auto& [error, name] : {std::pair(ENOSPC, "ENOSPC"), {EIO, "EIO"}}) {
    const Layers layers;
    EXPECT_GT(refuse(layers, {"mount", Side::child, {"in", "--", "true"}, {}}, error, name), 3);
    EXPECT_GT(refuse(layers, {"export", Side::parent, {"export"}, {}}, error, name), 10);
  }
}

// A stack for each call, as one that is sealed has a layer more, and that is more calls.
TEST(LayersInjection, ASealOnAFullOrBrokenDiskIsToldLosesNothingAndCanBeRepeated) {
  MD_NEEDS("root", "overlay");
  const Layers original;
  for (const auto& [error, name] : {std::pair(ENOSPC, "ENOSPC"), {EIO, "EIO"}}) {
    int failed = 0;
    for (int k = 1; !::testing::Test::HasFailure(); ++k) {
      const Layers layers = original.copy();
      const FaultyRun run = layers.strike({"seal"}, {Side::parent, k, error, is_ours, "/stack/1"});
      if (!run.fired) break;
      const std::string where = place_of({"seal", Side::parent, {}, {}}, k, run);
      if (was_told(run, name, where)) ++failed;
      layers.must({"seal"});
      layers.expect_whole(where + ", sealed again");
    }
    std::printf("| seal | %s | %d |\n", name, failed);
    EXPECT_GT(failed, 10);
  }
}

}  // namespace
}  // namespace minidocker::testing
