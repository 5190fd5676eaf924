#include <grp.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <numeric>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/signals.hpp"
#include "recorded.hpp"

namespace minidocker {
namespace {

std::uint64_t ignored_by_us() {
  return std::stoull(testing::status_field(::getpid(), "SigIgn"), nullptr, 16);
}

TEST(InheritedSignalsOfThisProcess, AreWhatTheKernelSays) {
  testing::in_child([] {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGRTMIN + 3, SIG_IGN);
    EXPECT_EQ(ignored_by_us(), inherited_signals().ignored);
    EXPECT_NE(0U, inherited_signals().ignored & signal_bit(SIGPIPE));
  });
}

TEST(InheritedSignalsOfThisProcess, CostOneReadAsARule) {
  EXPECT_EQ("openat(AT_FDCWD, \"/proc/self/status\", O_RDONLY|O_CLOEXEC)\nread(FD, 4096)",
            std::regex_replace(recorded([] { (void)inherited_signals(); }),
                               std::regex("read\\([0-9]+"), "read(FD"));
}

TEST(InheritedSignalsOfThisProcess, AreFoundBehindThousandsOfGroups) {
  MD_NEEDS("root");
  testing::in_child([] {
    std::vector<gid_t> groups(5000);
    std::iota(groups.begin(), groups.end(), 100'000);
    ASSERT_EQ(0, ::setgroups(groups.size(), groups.data()));
    ::signal(SIGUSR1, SIG_IGN);
    EXPECT_EQ(ignored_by_us(), inherited_signals().ignored);
  });
}

TEST(InheritedSignalsOfThisProcess, AreTakenForAllWhereNoProcIsMounted) {
  MD_NEEDS("userns");
  testing::in_sandbox([] {
    ASSERT_EQ(0, ::mount("none", "/proc", "tmpfs", 0, nullptr));
    EXPECT_EQ((InheritedSignals{kAllSignals, kAllSignals}), inherited_signals());
  });
}

}  // namespace
}  // namespace minidocker
