#include "minidocker/security/capabilities.hpp"

#include <linux/capability.h>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::security {
namespace {

constexpr CapabilitySet set_of(std::initializer_list<int> capabilities) {
  CapabilitySet set;
  for (const int capability : capabilities) set.bits |= std::uint64_t{1} << capability;
  return set;
}

TEST(Capability, IsFoundWithAndWithoutItsPrefixInAnyCase) {
  for (const char* name : {"CAP_SYS_ADMIN", "SYS_ADMIN", "sys_admin", "cap_Sys_Admin"}) {
    EXPECT_EQ(CAP_SYS_ADMIN, find_capability(name)) << name;
  }
  for (const char* name : {"", "CAP_", "ADMIN", "CAP_CAP_CHOWN", "ALL", "SYS_ADMIN "}) {
    EXPECT_EQ(std::nullopt, find_capability(name)) << name;
  }
}

TEST(Capability, NamesAndNumbersAgreeWithTheKernelsHeader) {
  EXPECT_EQ(CAP_CHOWN, find_capability("CHOWN"));
  EXPECT_EQ(CAP_SETPCAP, find_capability("SETPCAP"));
  EXPECT_EQ(CAP_MKNOD, find_capability("MKNOD"));
  EXPECT_EQ(CAP_AUDIT_WRITE, find_capability("AUDIT_WRITE"));
  EXPECT_EQ(CAP_SETFCAP, find_capability("SETFCAP"));
  EXPECT_EQ(CAP_SYSLOG, find_capability("SYSLOG"));
  EXPECT_EQ(CAP_CHECKPOINT_RESTORE, find_capability("CHECKPOINT_RESTORE"));
  for (int capability = 0; capability < kKnownCapabilities; ++capability) {
    EXPECT_EQ(capability, find_capability(capability_name(capability)));
  }
  EXPECT_EQ("CAP_63", capability_name(63));
  EXPECT_EQ("CAP_-1", capability_name(-1));
}

TEST(CapabilitySet, IsParsedAndTellsWhatItDidNotKnow) {
  std::vector<std::string> unknown;
  EXPECT_EQ(set_of({CAP_CHOWN, CAP_KILL}),
            parse_capabilities({"CHOWN", "CAP_KILL", "CAP_FLY", ""}, &unknown));
  EXPECT_EQ((std::vector<std::string>{"CAP_FLY", ""}), unknown);
  EXPECT_EQ(CapabilitySet{}, parse_capabilities({"CAP_FLY"}, nullptr));
}

TEST(CapabilitySet, AllIsWhateverHasAName) {
  EXPECT_EQ(kAllKnown, parse_capabilities({"ALL"}, nullptr));
  EXPECT_EQ(kAllKnown, parse_capabilities({"CHOWN", "cap_all"}, nullptr));
  EXPECT_TRUE(kAllKnown.has(40));
  EXPECT_FALSE(kAllKnown.has(41));
}

TEST(CapabilitySet, CanBeCombined) {
  const CapabilitySet both = set_of({CAP_CHOWN, CAP_KILL});
  const CapabilitySet one = set_of({CAP_KILL, CAP_MKNOD});
  EXPECT_EQ(set_of({CAP_KILL}), both & one);
  EXPECT_EQ(set_of({CAP_CHOWN, CAP_KILL, CAP_MKNOD}), both | one);
  EXPECT_EQ(set_of({CAP_CHOWN}), both - one);
  EXPECT_TRUE((both - both).empty());
}

TEST(CapabilitySet, IsToldInWords) {
  EXPECT_EQ("none", in_words(CapabilitySet{}));
  EXPECT_EQ("all", in_words(kAllKnown));
  EXPECT_EQ("CAP_CHOWN CAP_KILL CAP_63", in_words(set_of({CAP_CHOWN, CAP_KILL, 63})));
}

TEST(CapabilitySet, OfDockersDefaultHasFourteenAndNoAdmin) {
  const CapabilitySet set = default_capabilities();
  EXPECT_EQ(14, __builtin_popcountll(set.bits));
  EXPECT_EQ(0xa80425fbU, set.bits);
  EXPECT_FALSE(set.has(CAP_SYS_ADMIN));
  EXPECT_FALSE(set.has(CAP_NET_ADMIN));
}

TEST(CapabilityStatus, HoldsFiveSets) {
  const CapabilitySets5 sets = parse_status(
      "Name:\tx\nCapInh:\t0000000000000001\nCapPrm:\t0000000000000002\n"
      "CapEff:\t0000000000000004\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000010\n");
  EXPECT_EQ((CapabilitySets5{{0x1ffffffffff}, {4}, {2}, {1}, {0x10}}), sets);
}

TEST(CapabilityStatus, WithoutALineIsRefusedByName) {
  try {
    (void)parse_status("Name:\tx\nCapBnd:\t0\nCapEff:\tzz\n");
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKind::invalid_argument, error.kind());
    EXPECT_STREQ("/proc/self/status: no line CapEff", error.what());
  }
}

TEST(CapabilitySteps, SayWhatTheyDo) {
  const CapabilitySet kill = set_of({CAP_KILL});
  EXPECT_EQ("keep in the bounding set: CAP_KILL", (DropBounding{kill, kAllKnown}.describe()));
  EXPECT_EQ("set capabilities: effective CAP_KILL; permitted CAP_KILL; inheritable none",
            (SetCapabilities{kill, kill, {}}.describe()));
  EXPECT_EQ("raise in the ambient set: CAP_KILL", RaiseAmbient{kill}.describe());
  EXPECT_EQ("empty the ambient set", ClearAmbient{}.describe());
  EXPECT_FALSE(KeepCapabilities{}.describe().empty());
}

}  // namespace
}  // namespace minidocker::security
