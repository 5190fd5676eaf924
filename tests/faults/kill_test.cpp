/// \file
/// The crash sweep: mini-runc and the container's first process are killed at their k-th kernel
/// call, for every k. Prints the table of docs/crash-sweep.md.
#include <signal.h>
#include <sys/syscall.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bundle.hpp"
#include "call_names.hpp"
#include "faulty_run.hpp"
#include "minidocker/testing/needs.hpp"

namespace minidocker::testing {
namespace {

std::string all_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

/// What one sweep found.
struct Sweep {
  int fired = 0;      ///< kills
  int clean = 0;      ///< nothing was left even before `delete --force`
  int recovered = 0;  ///< nothing was left after it
  std::map<std::string, int> calls;

  void print(const char* operation, const char* victim) const {
    std::string kinds;
    for (const auto& [name, count] : calls) {
      kinds += (kinds.empty() ? "" : ", ") + name + " " + std::to_string(count);
    }
    std::printf("| %s | %s | %d | %d | %d | %s |\n", operation, victim, fired, clean, recovered,
                kinds.c_str());
  }
};

/// The runtime says that its child died, whenever that was before it became the program.
void expect_told(const FaultyRun& run, const std::string& where) {
  EXPECT_EQ(run.exit_code, 1) << where;
  EXPECT_NE(run.err, "") << where;
}

/// Kills `side` at its k-th call for every k; what must hold is checked after each.
Sweep sweep(const Bundle& bundle, Side side) {
  Sweep found;
  for (int k = 1;; ++k) {
    const Strike strike{side, k, 0, {}, {}};
    const FaultyRun run = run_struck(bundle.run_argv(), strike, bundle.work() + "/err");
    if (!run.fired) break;
    const std::string where = "killed at call " + std::to_string(k) + ", " + call_name(run.call) +
                              " " + run.detail + "; " + run.err;
    ++found.fired;
    ++found.calls[call_name(run.call)];
    const std::vector<std::string> alive = bundle.living();
    EXPECT_TRUE(alive.empty()) << where << "\noutlives the runtime:" << all_of(alive);
    if (side == Side::parent) {
      EXPECT_EQ(run.signal, SIGKILL) << where;
    } else {
      expect_told(run, where);
    }
    if (bundle.leftovers().empty()) ++found.clean;
    const CommandResult removed = bundle.delete_by_force();
    EXPECT_EQ(removed.exit_code, 0) << where << "\n" << removed.in_words();
    const std::vector<std::string> left = bundle.leftovers();
    EXPECT_TRUE(left.empty()) << where << "\nleft after delete --force:" << all_of(left);
    if (left.empty() && alive.empty() && removed.exit_code == 0) ++found.recovered;
    if (::testing::Test::HasFailure() && k > found.recovered + 5) break;  // enough to see
  }
  return found;
}

TEST(CrashSweep, RuntimeKilledAtAnyCallLeavesNothingAfterDeleteForce) {
  MD_NEEDS("root", "busybox");
  const Bundle bundle({"/bin/true"});
  const Sweep found = sweep(bundle, Side::parent);
  found.print("run", "mini-runc");
  EXPECT_GT(found.fired, 50);
  EXPECT_EQ(found.recovered, found.fired);
}

TEST(CrashSweep, FirstProcessKilledAtAnyCallIsReportedAndLeavesNothing) {
  MD_NEEDS("root", "busybox");
  const Bundle bundle({"/bin/true"});
  const Sweep found = sweep(bundle, Side::child);
  found.print("run", "the container's first process");
  EXPECT_GT(found.fired, 50);
  EXPECT_EQ(found.recovered, found.fired);
  EXPECT_EQ(found.clean, found.fired) << "the runtime lives: it has to clean up itself";
}

// The sweeps' program ends by itself; this one would not. The runtime is killed as it stands by.
TEST(CrashSweep, ProgramDoesNotOutliveTheRuntimeThatStandsBy) {
  MD_NEEDS("root", "busybox");
  const Bundle bundle({"sh", "-c", "echo up; exec sleep 1000"});
  RunningCommand running(bundle.run_argv());
  ASSERT_TRUE(running.read_until("up")) << running.err();
  running.signal(SIGKILL);
  EXPECT_EQ(running.wait().signal, SIGKILL);
  EXPECT_TRUE(bundle.living().empty());
  EXPECT_EQ(bundle.delete_by_force().exit_code, 0);
  const std::vector<std::string> left = bundle.leftovers();
  EXPECT_TRUE(left.empty()) << all_of(left);
}

}  // namespace
}  // namespace minidocker::testing
