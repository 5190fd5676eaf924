#include "sizes.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string function_of(std::size_t lines, const std::string& comment = "") {
  std::string text = comment + "void f() {\n";
  for (std::size_t i = 2; i < lines; ++i) text += "  g();\n";
  return text + "}\n";
}

Findings check_text(const std::string& text) {
  return check_sizes(SourceTree::of({{"a.cpp", text}}));
}

TEST(Sizes, AFunctionMayHaveSixtyLines) {
  EXPECT_THAT(check_text(function_of(60)), IsEmpty());
  EXPECT_THAT(messages_of(check_text(function_of(61))), HasSubstr("a function of 61 lines"));
}

TEST(Sizes, AFlatFunctionMayHaveMore) {
  EXPECT_THAT(check_text(function_of(100, "// lint: flat\n")), IsEmpty());
}

TEST(Sizes, AFileMayHaveFiveHundredLines) {
  EXPECT_THAT(check_text(std::string(500, '\n')), IsEmpty());
  EXPECT_THAT(messages_of(check_text(std::string(501, '\n'))), HasSubstr("501 lines"));
}

TEST(Sizes, AreHeldByTheRepository) { EXPECT_EQ(to_text(check_sizes(repository())), ""); }

}  // namespace
}  // namespace minidocker::lint
