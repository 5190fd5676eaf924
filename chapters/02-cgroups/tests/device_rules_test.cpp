#include "minidocker/cgroups/device_rules.hpp"

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

constexpr DeviceType kChar = DeviceType::character;
constexpr DeviceType kBlock = DeviceType::block;

DeviceRule rule(Verdict verdict, DeviceType type, std::uint32_t major, std::uint32_t minor,
                std::uint32_t access) {
  return {verdict, type, major, minor, access};
}

TEST(DeviceRule, IsWrittenAsTheKernelReadsIt) {
  EXPECT_EQ("a", rule_text({}));
  EXPECT_EQ("c 1:3 rwm", rule_text(rule(Verdict::allow, kChar, 1, 3, kAnyAccess)));
  EXPECT_EQ("b 8:* r", rule_text({Verdict::allow, kBlock, 8, {}, kRead}));
  EXPECT_EQ("c *:* m", rule_text({Verdict::allow, kChar, {}, {}, kMknod}));
  EXPECT_EQ("a *:* w", rule_text({Verdict::deny, DeviceType::any, {}, {}, kWrite}));
}

TEST(DeviceRule, AccessIsReadInAnyOrder) {
  EXPECT_EQ(kAnyAccess, parse_access("mwr"));
  EXPECT_EQ(kRead | kMknod, parse_access("rm"));
  EXPECT_EQ(0U, parse_access(""));
  for (const char* text : {"x", "rr", "r w", "R"}) EXPECT_THROW((void)parse_access(text), Error);
}

TEST(DeviceRules, TheLastThatSpeaksOfDeviceAndAccessHolds) {
  const std::vector<DeviceRule> rules{{},
                                      rule(Verdict::allow, kChar, 10, 229, kAnyAccess),
                                      rule(Verdict::deny, kChar, 10, 229, kWrite)};
  EXPECT_TRUE(allows(rules, kChar, 10, 229, kRead));
  EXPECT_FALSE(allows(rules, kChar, 10, 229, kWrite));
  EXPECT_FALSE(allows(rules, kChar, 10, 229, kRead | kWrite));
  EXPECT_FALSE(allows(rules, kBlock, 10, 229, kRead));
  EXPECT_FALSE(allows(rules, kChar, 10, 230, kRead));
}

TEST(DeviceRules, AccessMayBeAllowedInParts) {
  const std::vector<DeviceRule> rules{
      {}, rule(Verdict::allow, kChar, 1, 3, kRead), rule(Verdict::allow, kChar, 1, 3, kWrite)};
  EXPECT_TRUE(allows(rules, kChar, 1, 3, kRead | kWrite));
  EXPECT_FALSE(allows(rules, kChar, 1, 3, kAnyAccess));
}

TEST(DeviceRules, WithoutAnyAllIsAllowed) { EXPECT_TRUE(allows({}, kBlock, 8, 0, kAnyAccess)); }

TEST(DeviceRules, NoAccessIsDeniedWhereEveryAccessIs) {
  EXPECT_FALSE(allows({{}}, kBlock, 8, 0, 0));
  EXPECT_TRUE(allows(default_device_rules(), kBlock, 8, 0, 0)) << "its node may be made";
  EXPECT_TRUE(allows({{Verdict::deny, kBlock, {}, {}, kRead}}, kBlock, 8, 0, 0));
}

TEST(DeviceRules, DefaultsAllowTheUsualOnesAndNoDisk) {
  const std::vector<DeviceRule> rules = default_device_rules();
  for (const std::uint32_t minor : {3U, 5U, 7U, 8U, 9U}) {
    EXPECT_TRUE(allows(rules, kChar, 1, minor, kAnyAccess)) << minor;
  }
  EXPECT_TRUE(allows(rules, kChar, 136, 17, kRead | kWrite));
  EXPECT_TRUE(allows(rules, kBlock, 8, 0, kMknod));
  EXPECT_FALSE(allows(rules, kBlock, 8, 0, kRead));
  EXPECT_FALSE(allows(rules, kChar, 1, 1, kRead));  // the machine's memory
}

}  // namespace
}  // namespace minidocker::cgroups
