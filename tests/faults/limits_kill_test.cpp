/// \file
/// The crash sweep over a container's cgroup with every limit there is: made, limited, entered,
/// changed and removed. Prints rows of the table of docs/crash-sweep.md.
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bundle.hpp"
#include "call_names.hpp"
#include "faulty_run.hpp"
#include "minidocker/testing/needs.hpp"

namespace minidocker::testing {
namespace {

/// What both versions of cgroups have.
std::string common_limits(const std::string& more) {
  struct stat disk{};
  EXPECT_EQ(::stat(path_of("disk").c_str(), &disk), 0);
  const std::string throttle = fmt::format(R"([{{"major": {}, "minor": {}, "rate": 1048576}}])",
                                           major(disk.st_rdev), minor(disk.st_rdev));
  return fmt::format(R"({{
      "memory": {{"limit": 67108864, "reservation": 33554432, "swap": 134217728 {0}}},
      "cpu": {{"shares": 512, "quota": 50000, "period": 100000, "burst": 20000, "cpus": "0",
               "mems": "0"}},
      "pids": {{"limit": 20}},
      "blockIO": {{"throttleReadBpsDevice": {1}, "throttleWriteBpsDevice": {1},
                   "throttleReadIOPSDevice": {1}, "throttleWriteIOPSDevice": {1}}}}})",
                     more, throttle);
}

/// One operation, killed at every call; what it must leave.
struct Operation {
  const char* name;
  std::function<void()> before;                         ///< makes what it works on
  std::vector<std::string> argv;                        ///< it
  std::function<void(const std::string& where)> after;  ///< what must hold, then all is removed
};

int sweep(const Bundle& bundle, const Operation& operation, int stride) {
  int fired = 0;
  for (int k = 1;; k += stride) {
    operation.before();
    const FaultyRun run =
        run_struck(operation.argv, {Side::parent, k, 0, {}, {}}, bundle.work() + "/err");
    const std::string where = fmt::format("{} killed at call {}, {} {}", operation.name, k,
                                          call_name(run.call), run.detail);
    operation.after(where);
    const CommandResult removed = bundle.delete_by_force();
    EXPECT_EQ(removed.exit_code, 0) << where << "\n" << removed.in_words();
    for (const std::string& left : bundle.leftovers()) ADD_FAILURE() << where << ": left " << left;
    if (!run.fired) break;
    ++fired;
    if (::testing::Test::HasFailure()) break;
  }
  std::printf("| %s | mini-runc | %d |\n", operation.name, fired);
  return fired;
}

void run_to_the_end(const std::vector<std::string>& argv) {
  const CommandResult result = run_command(argv);
  EXPECT_EQ(result.exit_code, 0) << result.in_words();
}

/// create, attach and limit, remove, and update in between.
///
/// `stride`: 1 strikes at each call; an emulated machine takes a few seconds for one start.
void sweep_all(const std::string& resources, int stride) {
  const Bundle bundle({"sleep", "1000"}, resources);
  const std::vector<std::string> create = bundle.argv({"create", "-b", bundle.work() + "/bundle"});
  const auto nothing = [](const std::string&) {};
  EXPECT_GT(sweep(bundle, {"create with all limits", [] {}, create, nothing}, stride), 50 / stride);
  EXPECT_GT(sweep(bundle,
                  {"delete of such a one", [&] { run_to_the_end(create); },
                   bundle.argv({"delete", "--force"}), nothing},
                  stride),
            10 / stride);
  const std::vector<std::string> update =
      bundle.argv({"update", "--memory", "96m", "--memory-swap", "192m", "--cpu-quota", "60000",
                   "--pids-limit", "30"});
  EXPECT_GT(sweep(bundle,
                  {"update of such a one", [&] { run_to_the_end(create); }, update,
                   [&](const std::string& where) {
                     // Whatever came of it, the next one is not in its way.
                     const CommandResult again = run_command(update);
                     EXPECT_EQ(again.exit_code, 0) << where << again.in_words();
                   }},
                  stride),
            10 / stride);
}

TEST(CrashSweep, GroupsWithAllLimitsOfVersionOneLeaveNothingAfterDeleteForce) {
  MD_NEEDS("root", "busybox", "cgroup1", "disk");
  sweep_all(common_limits(R"(, "kernelTCP": 33554432, "swappiness": 7, "disableOOMKiller": true)"),
            1);
}

TEST(CrashSweep, GroupsWithAllLimitsOfCgroup2LeaveNothingAfterDeleteForce) {
  MD_NEEDS("root", "busybox", "cgroup2", "disk");
  sweep_all(common_limits(""), 10);
}

}  // namespace
}  // namespace minidocker::testing
