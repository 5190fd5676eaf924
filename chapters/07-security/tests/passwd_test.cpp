#include "minidocker/security/passwd.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace minidocker::security {
namespace {

constexpr const char* kPasswd =
    "# a comment\n"
    "root:x:0:0:root:/root:/bin/sh\n"
    "broken\n"
    "web:x:33:44:Web,,,:/var/www:/bin/false\n"
    "twin:x:33:45::/twin:/bin/false\n"
    "1000:x:2000:2001::/numeric:/bin/sh\n"
    "homeless:x:50:50::relative:/bin/sh\n";
constexpr const char* kGroup =
    "root:x:0:\n"
    "audio:x:29:web,other\n"
    "web:x:44:\n"
    "video:x:60:other,web\n"
    "webbers:x:61:webber\n"
    "nobody-in-it:x:70:\n";

struct Found {
  UserError error;
  UserSlot slot;
  [[nodiscard]] std::vector<gid_t> groups() const {
    return {slot.groups.begin(),
            slot.groups.begin() + static_cast<std::ptrdiff_t>(slot.group_count)};
  }
};

template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Found search_for(std::string_view wanted, std::string_view passwd = kPasswd,
                 std::string_view group = kGroup) {
  Found found{};
  UserSearch search(wanted, found.slot);
  each_line(passwd, [&](std::string_view line) { search.take_passwd_line(line); });
  each_line(group, [&](std::string_view line) { search.take_group_line(line); });
  found.error = search.finish();
  return found;
}

void expect_ids(const Found& found, uid_t uid, gid_t gid, const std::vector<gid_t>& groups,
                const char* home) {
  EXPECT_EQ(UserError::none, found.error);
  EXPECT_EQ(uid, found.slot.uid);
  EXPECT_EQ(gid, found.slot.gid);
  EXPECT_EQ(groups, found.groups());
  EXPECT_STREQ(home, found.slot.home.data());
}

TEST(UserSearch, OfNothingIsUidZero) {
  expect_ids(search_for(""), 0, 0, {0}, "/root");
  expect_ids(search_for("", "", ""), 0, 0, {0}, "/");
}

TEST(UserSearch, OfANameFindsIdsHomeAndTheGroupsThatListIt) {
  expect_ids(search_for("web"), 33, 44, {29, 60, 44}, "/var/www");
}

TEST(UserSearch, OfAUidFindsTheFirstWithIt) {
  expect_ids(search_for("33"), 33, 44, {29, 60, 44}, "/var/www");
}

TEST(UserSearch, NameThatLooksLikeANumberIsANameFirst) {
  expect_ids(search_for("1000"), 2000, 2001, {2001}, "/numeric");
}

TEST(UserSearch, OfAnUnknownUidHasGroupZero) { expect_ids(search_for("77"), 77, 0, {0}, "/"); }

TEST(UserSearch, WithAGroupHasOnlyThatOne) {
  expect_ids(search_for("web:audio"), 33, 29, {29}, "/var/www");
  expect_ids(search_for("web:29"), 33, 29, {29}, "/var/www");
  expect_ids(search_for("web:71"), 33, 71, {71}, "/var/www");
  expect_ids(search_for("77:88"), 77, 88, {88}, "/");
  expect_ids(search_for(":audio"), 0, 29, {29}, "/root");
  expect_ids(search_for("web:"), 33, 44, {29, 60, 44}, "/var/www");
}

TEST(UserSearch, OfUnknownNamesSaysWhich) {
  EXPECT_EQ(UserError::no_such_user, search_for("nobody").error);
  EXPECT_EQ(UserError::no_such_user, search_for("broken").error);
  EXPECT_EQ(UserError::no_such_user, search_for("-1").error);
  EXPECT_EQ(UserError::no_such_group, search_for("web:none").error);
  EXPECT_EQ(UserError::no_such_user, search_for("nobody:none").error);
}

TEST(UserSearch, OfIdsBeyondTheRangeIsRefused) {
  expect_ids(search_for("2147483647:2147483647"), 2147483647, 2147483647, {2147483647}, "/");
  EXPECT_EQ(UserError::bad_id, search_for("2147483648").error);
  EXPECT_EQ(UserError::bad_id, search_for("0:4294967296").error);
}

TEST(UserSearch, HomeThatIsNotAbsoluteIsTheRoot) {
  expect_ids(search_for("homeless"), 50, 50, {50}, "/");
}

TEST(UserSearch, WithMoreGroupsThanFitIsRefused) {
  std::string group;
  for (std::size_t i = 0; i < UserSlot::kMaxGroups; ++i) {
    group += "g:x:" + std::to_string(1000 + i) + ":web\n";
  }
  EXPECT_EQ(UserError::too_many_groups, search_for("web", kPasswd, group).error);
  EXPECT_EQ(UserError::none, search_for("web:g", kPasswd, group).error);
}

TEST(UserSearch, StopsWantingLinesOnceItKnows) {
  UserSlot slot;
  UserSearch by_number("77:88", slot);
  EXPECT_TRUE(by_number.wants_passwd());
  EXPECT_TRUE(by_number.wants_group());
  UserSearch by_name("web", slot);
  EXPECT_FALSE(by_name.wants_group()) << "nobody is in a group without a name";
  by_name.take_passwd_line("web:x:1:1::/:");
  EXPECT_FALSE(by_name.wants_passwd());
  EXPECT_TRUE(by_name.wants_group());
  by_name.take_passwd_line("web:x:2:2::/:");
  EXPECT_EQ(1U, slot.uid);
}

TEST(UserSlot, HoldsEachGroupOnce) {
  UserSlot slot;
  EXPECT_TRUE(slot.add_group(5));
  EXPECT_TRUE(slot.add_group(5));
  EXPECT_EQ(1U, slot.group_count);
}

TEST(UserSlot, TakesOnlyHomesThatFit) {
  UserSlot slot;
  EXPECT_FALSE(slot.set_home(""));
  EXPECT_FALSE(slot.set_home("home"));
  EXPECT_FALSE(slot.set_home(std::string_view("/a\0b", 4)));
  EXPECT_FALSE(slot.set_home("/" + std::string(UserSlot::kMaxHome - 1, 'x')));
  EXPECT_STREQ("/", slot.home.data());
  const std::string longest = "/" + std::string(UserSlot::kMaxHome - 2, 'x');
  EXPECT_TRUE(slot.set_home(longest));
  EXPECT_EQ(longest, slot.home.data());
}

TEST(PasswdLine, NeedsItsFields) {
  for (const char* line :
       {"", ":", "a", "a:x:1", "a:x:1:1", ":x:1:1::/:", "a:x:-1:1::/:", "a:x:1:x::/:",
        "a:x:99999999999:1::/:", "#a:x:1:1::/:", "a:x: 1:1::/:"}) {
    EXPECT_FALSE(parse_passwd_line(line)) << line;
  }
  const auto entry = parse_passwd_line("a:x:1:2:c");
  ASSERT_TRUE(entry) << "home and shell may be missing";
  EXPECT_EQ("", entry->home);
  EXPECT_EQ("/h", parse_passwd_line("a:x:1:2::/h")->home);
}

TEST(GroupLine, NeedsItsFields) {
  for (const char* line : {"", "a", "a:x", "a:x:1", ":x:1:", "a:x:y:", "#a:x:1:"}) {
    EXPECT_FALSE(parse_group_line(line)) << line;
  }
  const auto entry = parse_group_line("a:x:1:b,,c:junk");
  ASSERT_TRUE(entry);
  EXPECT_TRUE(entry->has_member("b"));
  EXPECT_TRUE(entry->has_member("c"));
  EXPECT_FALSE(entry->has_member("junk"));
  EXPECT_FALSE(parse_group_line("a:x:1:")->has_member(""));
}

TEST(UserSearch, SurvivesMangledFiles) {
  std::mt19937 random(33);
  constexpr std::string_view kBytes("\0\n:,#/x0129\xff", 13);
  for (int i = 0; i < 20'000; ++i) {
    std::string passwd = kPasswd;
    std::string group = kGroup;
    for (int n = 0; n < 8; ++n) {
      passwd[random() % passwd.size()] = kBytes[random() % kBytes.size()];
      group[random() % group.size()] = kBytes[random() % kBytes.size()];
    }
    for (const char* wanted : {"web", "33", "web:audio", ""}) {
      const Found found = search_for(wanted, passwd, group);
      ASSERT_LE(found.slot.group_count, UserSlot::kMaxGroups);
      ASSERT_EQ('/', found.slot.home[0]);
      ASSERT_LE(found.slot.uid, 0x7FFFFFFFU);
    }
  }
}

}  // namespace
}  // namespace minidocker::security
