// The machines of tests/vm/run, seen from within: a test that needs one of them finds what it was
// promised.

#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {
namespace {

TEST(MachineCgroup2, HasMemoryCpuAndPidsAtItsRoot) {
  MD_NEEDS("cgroup2");
  EXPECT_EQ(0, run_command({"test", "-e", "/sys/fs/cgroup/cgroup.subtree_control"}).exit_code);
}

TEST(MachineSystemd, HasComeUpWhole) {
  MD_NEEDS("systemd");
  const auto state = run_command({"systemctl", "is-system-running"});
  EXPECT_EQ("running\n", state.out) << run_command({"systemctl", "--failed"}).out;
}

TEST(MachineSystemd, MakesAScopeWithTheControllersAskedFor) {
  MD_NEEDS("systemd", "root", "cgroup2");
  const auto made =
      run_command({"systemd-run", "--scope", "-q", "-p", "Delegate=yes", "-p", "MemoryMax=64M",
                   "sh", "-c", "cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/memory.max"});
  EXPECT_EQ("67108864\n", made.out) << made.in_words();
}

TEST(MachineDelegated, LetsTheUserDivideAScopeOfItsOwn) {
  MD_NEEDS("delegated");
  const auto made =
      run_command({"systemd-run", "--user", "--scope", "-q", "-p", "Delegate=yes", "sh", "-ec",
                   "cd /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); mkdir leaf; "
                   "echo $$ >leaf/cgroup.procs; echo +memory +pids >cgroup.subtree_control; "
                   "echo 64M >leaf/memory.max; cat leaf/memory.max"});
  EXPECT_EQ("67108864\n", made.out) << made.in_words();
}

TEST(MachineDelegated, DoesNotLetTheUserDivideTheSession) {
  MD_NEEDS("delegated");
  const auto tried =
      run_command({"sh", "-c", "mkdir /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/leaf"});
  EXPECT_NE(std::string::npos, tried.err.find("Permission denied")) << tried.in_words();
}

}  // namespace
}  // namespace minidocker::testing
