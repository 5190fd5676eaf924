// A scope's directory that systemd does not remove, played by plain directories: the kernel's part
// is one file, and systemd's is to do nothing.
#include "systemd_removal.hpp"

#include <sys/stat.h>

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/cgroups/driver.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::cgroups {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

class SystemdRemoval : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return dir_ / "web.scope"; }
  void make(const std::string& processes) const {
    ASSERT_EQ(::mkdir(path().c_str(), 0755), 0);
    testing::write_text(path() + "/cgroup.procs", processes);
  }
  void await(std::chrono::milliseconds patience) const {
    await_removal(driver_for(Mode::v2), {"", dir_.path(), "/web.scope"},
                  std::chrono::steady_clock::now() + patience);
  }
  [[nodiscard]] std::string refusal() const {
    try {
      await(10ms);
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  }

  TempDir dir_;
};

TEST_F(SystemdRemoval, IsNothingForADirectoryThatIsGone) { EXPECT_NO_THROW(await(0ms)); }

TEST_F(SystemdRemoval, NamesTheProcessesThatAreStillInIt) {
  make("7\n8\n");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path()), HasSubstr("holds processes 7, 8")));
}

TEST_F(SystemdRemoval, TellsWhatToStopIfSystemdLeavesAnEmptyOne) {
  make("");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path()), HasSubstr("systemctl stop web.scope")));
}

}  // namespace
}  // namespace minidocker::cgroups
