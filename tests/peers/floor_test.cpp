/// \file
/// The floor is a fair floor: what it makes looks from inside as what runc makes of the same
/// bundle.
#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/run_command.hpp"

namespace minidocker::testing {
namespace {

/// Everything of a container that the kernel shows, one line each, in a fixed order. Left out:
/// sources and flags of mounts. The floor makes /sys/fs/cgroup itself read-only, as the bundle
/// says; runc leaves that one writable.
constexpr const char* kProbe =
    "hostname; id; ulimit -n; umask; pwd; env | sort; grep -E Cap\\|NoNewPrivs /proc/self/status; "
    "awk '{print $5}' /proc/self/mountinfo | sort; ls -l /dev | awk '{print $1, $5, $6, $NF}'; "
    "cat /proc/sys/kernel/shmmax; wc -c </proc/keys; ls /sys/firmware /proc/acpi; "
    "cut -d: -f2 /proc/self/cgroup | sort; cat /sys/class/net/*/flags; ls /proc/self/fd | wc -l; "
    "touch /x /proc/sys/kernel/x 2>&1; cat /sys/fs/cgroup/devices/devices.list | sort";

std::string quoted(const std::string& text) { return "'" + text + "'"; }

class Floor : public ::testing::Test {
 protected:
  void SetUp() override {
    MD_NEEDS("root", "cgroup1", "runc", "busybox");
    char name[] = "/tmp/mini-docker-floor.XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    work_ = name;
  }
  void TearDown() override {
    if (!work_.empty()) run_command({"rm", "-rf", "--one-file-system", work_});
  }

  const std::string source_ = MD_SOURCE_DIR;
  const std::string floor_ = MD_BINARY_DIR "/tests/floor";
  const std::string id_ = "floor-test-" + std::to_string(::getpid());
  std::string work_;
};

TEST_F(Floor, MakesTheContainerThatRuncMakes) {
  const std::string probe = work_ + "/bundle/rootfs/probe";
  ASSERT_EQ(run_command({source_ + "/tests/peers/make-bundle", work_ + "/bundle", "sh", "/probe"})
                .exit_code,
            0);
  ASSERT_EQ(run_command({"sh", "-c", "cat >" + quoted(probe) + " <<'END'\n" + kProbe + "\nEND\n"})
                .exit_code,
            0);
  const auto floor = run_command({floor_, work_ + "/bundle/rootfs", id_, "sh", "/probe"});
  const auto runc =
      run_command({path_of("runc"), "--root", work_ + "/run", "run", "-b", work_ + "/bundle", id_});
  EXPECT_EQ(floor.out, runc.out);
  EXPECT_NE(floor.out.find("CapEff:\t0000000020000420"), std::string::npos) << floor.out;
}

TEST_F(Floor, ReturnsTheExitCodeAndLeavesNoGroup) {
  ASSERT_EQ(run_command({source_ + "/tests/peers/make-bundle", work_ + "/bundle", "sh"}).exit_code,
            0);
  EXPECT_EQ(run_command({floor_, work_ + "/bundle/rootfs", id_, "sh", "-c", "exit 42"}).exit_code,
            42);
  EXPECT_EQ(run_command({floor_, work_ + "/bundle/rootfs", id_, "nowhere"}).exit_code, 127);
  EXPECT_EQ(run_command({"sh", "-c", "ls -d /sys/fs/cgroup/*/" + id_ + " 2>/dev/null"}).out, "");
}

TEST(FloorSource, StaysBelowTwoHundredLines) {
  const auto lines = run_command({"wc", "-l", std::string(MD_SOURCE_DIR) + "/tests/bench/floor.c"});
  EXPECT_LT(std::stoi(lines.out), 200) << lines.out;
}

}  // namespace
}  // namespace minidocker::testing
