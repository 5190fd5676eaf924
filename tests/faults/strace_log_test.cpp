#include "strace_log.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace minidocker::testing {
namespace {

TEST(StraceLog, SplitsAtCommasOutsideOfStringsAndBrackets) {
  EXPECT_EQ(
      split_args(R"(-100 /* AT_FDCWD */, "a,\"b", {x=1, y=2}, [3, 4])"),
      (std::vector<std::string>{"-100 /* AT_FDCWD */", R"("a,\"b")", "{x=1, y=2}", "[3, 4]"}));
}

TEST(StraceLog, ReadsNameArgumentsAndError) {
  const auto calls = parse_strace("7 mkdir(\"/a (b)\", 0755) = -1 EEXIST (File exists)\n");
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].pid, 7);
  EXPECT_EQ(calls[0].name, "mkdir");
  EXPECT_EQ(calls[0].args, (std::vector<std::string>{"\"/a (b)\"", "0755"}));
  EXPECT_EQ(calls[0].error, "EEXIST");
}

TEST(StraceLog, JoinsCallsThatOthersInterrupted) {
  const auto calls = parse_strace(
      "1 read(3,  <unfinished ...>\n"
      "2 getpid() = 2\n"
      "1 <... read resumed>\"x\", 4) = 1\n"
      "2 exit_group(0) = ?\n"
      "2 +++ exited with 0 +++\n");
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].name, "getpid");
  EXPECT_EQ(calls[1].args, (std::vector<std::string>{"3", "\"x\"", "4"}));
}

TEST(StraceLog, KeepsNumbersAndNamesApart) {
  EXPECT_EQ(names_of("0xe /* MS_NOSUID|MS_NODEV */"), "MS_NOSUID|MS_NODEV");
  EXPECT_EQ(number_of("0xe /* MS_NOSUID|MS_NODEV */"), "0xe");
  EXPECT_EQ(names_of("0755"), "0755");
}

}  // namespace
}  // namespace minidocker::testing
