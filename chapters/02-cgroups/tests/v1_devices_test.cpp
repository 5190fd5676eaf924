#include "v1_devices.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {
namespace {

constexpr DeviceType kAny = DeviceType::any;
constexpr DeviceType kChar = DeviceType::character;
constexpr DeviceType kBlock = DeviceType::block;
constexpr Verdict kAllow = Verdict::allow;
constexpr Verdict kDeny = Verdict::deny;
constexpr std::uint32_t kReadWrite = kRead | kWrite;

/// security/device_cgroup.c of Linux 6.1: what it makes of lines, and what it answers then.
class Kernel {
 public:
  explicit Kernel(const std::vector<DeviceLine>& lines) {
    for (const DeviceLine& line : lines) take(line);
  }
  [[nodiscard]] bool allows(DeviceType type, unsigned major, unsigned minor,
                            std::uint32_t access) const {
    for (const Exception& e : exceptions_) {
      if (e.type != (type == kChar ? 'c' : 'b')) continue;
      if ((e.major != kStar && e.major != major) || (e.minor != kStar && e.minor != minor)) {
        continue;
      }
      if (allow_all_ ? (access & e.access) != 0 : (access & ~e.access) == 0) return !allow_all_;
    }
    return allow_all_;
  }

 private:
  static constexpr unsigned kStar = ~0U;
  struct Exception {
    char type;
    unsigned major;
    unsigned minor;
    std::uint32_t access;
  };
  static unsigned number(const std::string& text) {
    return text == "*" ? kStar : static_cast<unsigned>(std::stoul(text));
  }
  void take(const DeviceLine& line) {
    const bool allow = line.verdict == Verdict::allow;
    if (line.text.starts_with('a')) {  // the rest of the line is not looked at
      allow_all_ = allow;
      exceptions_.clear();
      return;
    }
    char type = 0;
    std::array<char, 16> major{};
    std::array<char, 16> minor{};
    std::array<char, 8> access{};
    ASSERT_EQ(4, std::sscanf(line.text.c_str(), "%c %15[^:]:%15s %7s", &type, major.data(),
                             minor.data(), access.data()))
        << line.text;
    const Exception said{type, number(major.data()), number(minor.data()),
                         parse_access(access.data())};
    const auto same = std::find_if(exceptions_.begin(), exceptions_.end(), [&](const auto& e) {
      return e.type == said.type && e.major == said.major && e.minor == said.minor;
    });
    if (allow != allow_all_) {
      if (same == exceptions_.end()) {
        exceptions_.push_back(said);
      } else {
        same->access |= said.access;
      }
    } else if (same != exceptions_.end()) {
      same->access &= ~said.access;
      if (same->access == 0) exceptions_.erase(same);
    }
  }
  bool allow_all_ = false;  // a group below one that denies; the first line has to say
  std::vector<Exception> exceptions_;
};

std::vector<std::string> lines_of(const std::vector<DeviceRule>& rules) {
  std::vector<std::string> lines;
  for (const DeviceLine& line : v1_device_lines(rules)) {
    lines.push_back((line.verdict == kAllow ? "allow " : "deny ") + line.text);
  }
  return lines;
}

std::string refusal_of(const std::vector<DeviceRule>& rules) {
  try {
    (void)v1_device_lines(rules);
  } catch (const Error& error) {
    EXPECT_EQ(ErrorKind::unavailable, error.kind());
    return error.what();
  }
  return "";
}

/// The kernel asks for mknod alone, or for reading and writing.
void expect_same_answers(const std::vector<DeviceRule>& rules, const Kernel& v1) {
  for (const DeviceType type : {kChar, kBlock}) {
    for (const std::uint32_t major : {1U, 2U, 3U}) {
      for (const std::uint32_t minor : {1U, 2U, 3U}) {
        for (const std::uint32_t access : {+kRead, +kWrite, kReadWrite}) {
          ASSERT_EQ(allows(rules, type, major, minor, access),
                    v1.allows(type, major, minor, access))
              << (type == kChar ? "c " : "b ") << major << ":" << minor << " " << access;
        }
        ASSERT_TRUE(v1.allows(type, major, minor, kMknod) ||
                    !allows(rules, type, major, minor, kMknod));
      }
    }
  }
}

using Lines = std::vector<std::string>;

TEST(V1DeviceLines, OfTheDefaultsAreOneARule) {
  const std::vector<DeviceRule> rules = default_device_rules();
  const std::vector<DeviceLine> lines = v1_device_lines(rules);
  ASSERT_EQ(rules.size(), lines.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    EXPECT_EQ((DeviceLine{rules[i].verdict, rule_text(rules[i])}), lines[i]);
  }
}

TEST(V1DeviceLines, OfAnyDeviceWithNumbersOrInPartAreOneAType) {
  EXPECT_EQ((Lines{"deny a", "allow c 1:3 rwm", "allow b 1:3 rwm"}),
            lines_of({{}, {kAllow, kAny, 1, 3, kAnyAccess}}));
  EXPECT_EQ((Lines{"allow a", "deny c *:* w", "deny b *:* w"}),
            lines_of({{kDeny, kAny, {}, {}, kWrite}}));
}

TEST(V1DeviceLines, BeginWithTheLastRuleAboutEverything) {
  EXPECT_EQ((Lines{"allow a"}), lines_of({{}, {kAllow, kChar, 1, 3}, {kAllow, kAny, {}, {}}}));
  EXPECT_EQ((Lines{"allow a", "deny c 1:3 rwm"}), lines_of({{kDeny, kChar, 1, 3}}))
      << "whatever the group held before";
  EXPECT_EQ(Lines{}, lines_of({}));
}

TEST(V1DeviceLines, TakeNarrowerExceptionsBackOneByOne) {
  EXPECT_EQ((Lines{"deny a", "allow c 1:3 rwm", "allow c 1:5 r", "deny c 1:3 rw", "deny c 1:5 r"}),
            lines_of({{},
                      {kAllow, kChar, 1, 3},
                      {kAllow, kChar, 1, 5, kRead},
                      {kDeny, kChar, 1, {}, kReadWrite}}));
}

TEST(V1DeviceLines, AllowReadingAndWritingByOneLine) {
  EXPECT_EQ((Lines{"deny a", "allow c 1:* r", "allow c 1:3 rw", "allow c *:3 w"}),
            lines_of({{}, {kAllow, kChar, 1, {}, kRead}, {kAllow, kChar, {}, 3, kWrite}}));
}

TEST(V1DeviceLines, OfEnginesThatDenyWhatNobodyAllowedAreTaken) {
  std::vector<DeviceRule> docker{{}};
  for (const std::uint32_t minor : {5U, 3U, 9U, 8U}) docker.push_back({kAllow, kChar, 1, minor});
  docker.push_back({kDeny, kChar, 10, 229});
  docker.push_back({kAllow, kChar, 10, 229});
  EXPECT_EQ("allow c 10:229 rwm", lines_of(docker).back());

  std::vector<DeviceRule> after_the_defaults = default_device_rules();
  after_the_defaults.push_back({kDeny, kChar, 10, 229});
  EXPECT_EQ(12U, lines_of(after_the_defaults).size()) << "its node may be made, as any may";
}

TEST(V1DeviceLines, RefuseAHoleInAWiderRuleByName) {
  const std::string error =
      refusal_of({{}, {kAllow, kChar, {}, {}, kReadWrite}, {kDeny, kChar, 10, 229}});
  EXPECT_NE(std::string::npos, error.find("device rule deny c 10:229 rwm: cgroup v1 cannot take it "
                                          "out of the wider c *:* rw"))
      << error;
  EXPECT_NE("", refusal_of({{kDeny, kBlock, 8, {}}, {kAllow, kBlock, 8, 1}}));
  EXPECT_EQ("", refusal_of({{}, {kAllow, kChar, {}, {}, kRead}, {kDeny, kChar, 1, 3, kWrite}}))
      << "nobody allowed that";
}

TEST(V1DeviceLines, MeanWhatTheRulesMeanWhateverTheyAre) {
  std::mt19937 random(1);
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const auto number = [&]() -> std::optional<std::uint32_t> {
    if (below(2) == 0) return std::nullopt;
    return 1 + below(2);
  };
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<DeviceRule> rules;
    const std::uint32_t count = 1 + below(6);
    for (std::uint32_t i = 0; i < count; ++i) {
      const DeviceType type = std::array{kAny, kChar, kBlock}[below(3)];
      rules.push_back({below(2) == 0 ? kAllow : kDeny, type, number(), number(), below(8)});
    }
    std::string trace;
    for (const DeviceRule& rule : rules) {
      trace += (rule.verdict == kAllow ? "allow " : "deny ") + rule_text(rule) + "\n";
    }
    SCOPED_TRACE(trace);
    if (!refusal_of(rules).empty()) continue;
    ++taken;
    expect_same_answers(rules, Kernel(v1_device_lines(rules)));
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(taken, 10'000);
}

}  // namespace
}  // namespace minidocker::cgroups
