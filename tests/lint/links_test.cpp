#include "links.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Findings check_page(const std::string& text) {
  return check_links(SourceTree::of({{"docs/a.md", text}, {"docs/b.md", "# The Title, here\n"}}));
}

TEST(Links, MustLeadSomewhere) {
  EXPECT_THAT(messages_of(check_page("[x](missing.md)")), HasSubstr("no file: docs/missing.md"));
  EXPECT_THAT(messages_of(check_page("[x](../../up.md)")), HasSubstr("out of the repository"));
  EXPECT_THAT(check_page("[x](b.md) [y](../docs/b.md) [z](https://example.org)"), IsEmpty());
}

TEST(Links, MustNameAHeadingThatIsThere) {
  EXPECT_THAT(check_page("[x](b.md#the-title-here)"), IsEmpty());
  EXPECT_THAT(check_page("[x](b.md#another)"), SizeIs(1));
}

TEST(Links, AreNotMeantInCode) {
  EXPECT_THAT(check_page("`a[0](missing)`\n\n```\n[x](missing.md)\n```\n"), IsEmpty());
}

TEST(Links, OfTheRepositoryLeadSomewhere) { EXPECT_EQ(to_text(check_links(repository())), ""); }

Findings check_make(const std::string& text) {
  return check_make_targets(
      SourceTree::of({{"Makefile", "run: deps\n\ntest-unit:\n"}, {"README.md", text}}));
}

TEST(MakeTargets, MustExist) {
  EXPECT_THAT(check_make("`make run`\n\n```\n$ make test-unit\n```\n"), IsEmpty());
  EXPECT_THAT(messages_of(check_make("Type `make rum`.")), HasSubstr("no target rum"));
  EXPECT_THAT(check_make("```\nYES=1\nmake PRESET=asan tests\n```\n"), SizeIs(1));
}

TEST(MakeTargets, AreNotMeantInASentence) { EXPECT_THAT(check_make("We make sure."), IsEmpty()); }

TEST(MakeTargets, NamedInTheRepositoryExist) {
  EXPECT_EQ(to_text(check_make_targets(repository())), "");
}

}  // namespace
}  // namespace minidocker::lint
