#include "minidocker/toolbox/linux_names.hpp"

#include <linux/capability.h>
#include <sys/resource.h>

#include <array>

#include <gtest/gtest.h>

namespace minidocker {
namespace {

static_assert(capability_number("CAP_CHOWN") == CAP_CHOWN, "known while compiling");

TEST(LinuxNames, OfCapabilitiesAgreeWithTheKernelsHeader) {
  EXPECT_EQ(CAP_SETPCAP, capability_number("CAP_SETPCAP"));
  EXPECT_EQ(CAP_MKNOD, capability_number("CAP_MKNOD"));
  EXPECT_EQ(CAP_AUDIT_WRITE, capability_number("CAP_AUDIT_WRITE"));
  EXPECT_EQ(CAP_SETFCAP, capability_number("CAP_SETFCAP"));
  EXPECT_EQ(CAP_SYSLOG, capability_number("CAP_SYSLOG"));
  EXPECT_EQ(CAP_CHECKPOINT_RESTORE, capability_number("CAP_CHECKPOINT_RESTORE"));
  for (std::size_t i = 0; i < kCapabilityNames.size(); ++i) {
    EXPECT_EQ(static_cast<int>(i), capability_number(kCapabilityNames[i]));
  }
}

TEST(LinuxNames, AreTakenInNoOtherSpelling) {
  for (const char* name : {"", "CAP_", "CHOWN", "cap_chown", "CAP_CHOWN ", "ALL", "CAP_ALL"}) {
    EXPECT_EQ(std::nullopt, capability_number(name)) << name;
  }
  for (const char* name : {"", "RLIMIT_", "NOFILE", "rlimit_nofile", "RLIMIT_NOFILE "}) {
    EXPECT_EQ(std::nullopt, rlimit_number(name)) << name;
  }
}

TEST(LinuxNames, OfLimitsAreOneForEachNumber) {
  EXPECT_EQ(RLIMIT_NOFILE, rlimit_number("RLIMIT_NOFILE"));
  std::array<int, RLIMIT_NLIMITS> seen{};
  for (const auto& [name, number] : kRlimitNames) ++seen.at(static_cast<std::size_t>(number));
  for (const int times : seen) EXPECT_EQ(1, times);
}

}  // namespace
}  // namespace minidocker
