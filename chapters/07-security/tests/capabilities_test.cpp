#include "minidocker/security/capabilities.hpp"

#include <linux/capability.h>

#include <initializer_list>

#include <gtest/gtest.h>

namespace minidocker::security {
namespace {

constexpr CapabilitySet set_of(std::initializer_list<int> capabilities) {
  CapabilitySet set;
  for (const int capability : capabilities) set.bits |= std::uint64_t{1} << capability;
  return set;
}

TEST(Capability, IsNamedByItsNumber) {
  EXPECT_EQ("CAP_CHOWN", capability_name(0));
  EXPECT_EQ("CAP_CHECKPOINT_RESTORE", capability_name(40));
  EXPECT_EQ("CAP_63", capability_name(63));
  EXPECT_EQ("CAP_-1", capability_name(-1));
}

TEST(CapabilitySet, IsParsedAndTellsWhatItDidNotKnow) {
  std::vector<std::string> unknown;
  EXPECT_EQ(set_of({CAP_CHOWN, CAP_KILL}),
            parse_capabilities({"CAP_CHOWN", "CAP_KILL", "CAP_FLY", "sys_admin", "ALL"}, &unknown));
  EXPECT_EQ((std::vector<std::string>{"CAP_FLY", "sys_admin", "ALL"}), unknown);
  EXPECT_EQ(CapabilitySet{}, parse_capabilities({"CAP_FLY"}, nullptr));
}

TEST(CapabilitySet, OfAllKnownHoldsWhateverHasAName) {
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
