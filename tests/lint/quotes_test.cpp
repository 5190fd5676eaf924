#include "quotes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SourceTree tree_with(const std::string& page) {
  return SourceTree::of({
      {"chapters/01-a/README.md", page},
      {"chapters/01-a/src/x.cpp",
       "namespace a {\n"
       "void open() {\n  go();\n}\n"
       "struct Step {\n  int n;\n};\n"
       "void all() {\n  // quote: middle\n  if (x) {\n    y();\n  }\n  // quote: end\n}\n"
       "}\n"},
      {"chapters/01-a/tests/golden/first.txt", "$ run\nok\n"},
  });
}

std::string page_of(const std::string& comment, const std::string& info, const std::string& body) {
  return "Text.\n\n<!-- " + comment + " -->\n```" + info + "\n" + body + "```\nMore.\n";
}

constexpr const char* kOpen = "code: chapters/01-a/src/x.cpp open";

TEST(Quotes, AreTheDefinitionTheyName) {
  EXPECT_EQ(quoted_code(tree_with(""), "chapters/01-a/src/x.cpp open"),
            "void open() {\n  go();\n}\n");
  EXPECT_EQ(quoted_code(tree_with(""), "chapters/01-a/src/x.cpp Step"),
            "struct Step {\n  int n;\n};\n");
}

TEST(Quotes, AreTheRegionTheyNameWithoutItsIndentation) {
  EXPECT_EQ(quoted_code(tree_with(""), "chapters/01-a/src/x.cpp #middle"), "if (x) {\n  y();\n}\n");
}

TEST(Quotes, MustEqualTheirSource) {
  const std::string stale = page_of(kOpen, "cpp", "void open() {}\n");
  EXPECT_THAT(messages_of(check_quotes(tree_with(stale))), HasSubstr("run make quote"));
  const std::string fresh = page_of(kOpen, "cpp", "void open() {\n  go();\n}\n");
  EXPECT_THAT(check_quotes(tree_with(fresh)), IsEmpty());
}

TEST(Quotes, MustNameWhatIsThere) {
  const std::string page = page_of("code: chapters/01-a/src/x.cpp shut", "cpp", "");
  EXPECT_THAT(messages_of(check_quotes(tree_with(page))), HasSubstr("defines no shut"));
}

TEST(Quotes, ReplaceCodeTypedByHand) {
  EXPECT_THAT(messages_of(check_quotes(tree_with("```cpp\nint x;\n```\n"))), HasSubstr("by hand"));
}

TEST(Quotes, OfTranscriptsEqualTheGoldenFile) {
  EXPECT_THAT(check_quotes(tree_with(page_of("transcript: first", "", "$ run\nok\n"))), IsEmpty());
  EXPECT_THAT(check_quotes(tree_with(page_of("transcript: first", "", "$ run\n"))), SizeIs(1));
}

TEST(Quotes, AreRefreshedAndTheRestIsLeftAlone) {
  const SourceTree tree = tree_with(page_of(kOpen, "cpp", "old\n"));
  Findings findings;
  EXPECT_EQ(refreshed(tree, *tree.find("chapters/01-a/README.md"), findings),
            page_of(kOpen, "cpp", "void open() {\n  go();\n}\n"));
  EXPECT_THAT(findings, IsEmpty());
}

TEST(Quotes, OfTheRepositoryAreFresh) { EXPECT_EQ(to_text(check_quotes(repository())), ""); }

}  // namespace
}  // namespace minidocker::lint
