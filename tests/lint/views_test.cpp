#include "views.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Views, KeepEveryOffsetAndSplitCodeFromComments) {
  const std::string text = "int a; // open(\nchar b = 'x'; /* read( */ int c;\n";
  const Views views = split_views(text);
  EXPECT_EQ(views.code, "int a;         \nchar b = ' ';             int c;\n");
  EXPECT_EQ(views.comments.substr(7, 8), "// open(");
  EXPECT_EQ(views.code.size(), text.size());
}

TEST(Views, BlankStringsEvenWithQuotesAndCommentsInThem) {
  EXPECT_EQ(split_views(R"(f("a\"//b"); g();)").code, R"(f("      "); g();)");
}

TEST(Views, BlankRawStringsUpToTheirOwnEnd) {
  const std::string text = "f(R\"x(open(\")x\"); g();";
  EXPECT_EQ(split_views(text).code, "f(R\"          \"); g();");
}

TEST(Views, TakeADigitSeparatorForPartOfTheNumber) {
  EXPECT_EQ(split_views("int n = 1'000'000; // x").code, "int n = 1'000'000;     ");
}

TEST(Views, FindWholeWordsOnly) {
  EXPECT_THAT(find_word("open reopen open_tree (open)", "open"), ::testing::ElementsAre(0, 23));
}

TEST(Views, FindTheClosingBracket) {
  EXPECT_EQ(closing("f(a, (b), c) + d", 1), 11U);
  EXPECT_EQ(closing("f(a", 1), std::string::npos);
}

TEST(Views, CountLinesFromOne) {
  EXPECT_EQ(line_of("a\nb\nc", 0), 1U);
  EXPECT_EQ(line_of("a\nb\nc", 4), 3U);
}

}  // namespace
}  // namespace minidocker::lint
