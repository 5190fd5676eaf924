#include "source_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SourceTree, KnowsFilesAndDirectories) {
  const SourceTree tree = SourceTree::of({{"a/b.cpp", "int x;"}, {"a/c.md", ""}});
  EXPECT_TRUE(tree.exists("a"));
  EXPECT_TRUE(tree.exists("a/b.cpp"));
  EXPECT_FALSE(tree.exists("a/b"));
  ASSERT_NE(tree.find("a/b.cpp"), nullptr);
  EXPECT_EQ(tree.find("a/b.cpp")->views.code, "int x;");
}

// A rule that sees no files finds no faults: make sure that the real tree was read.
TEST(SourceTree, OfTheRepositoryHoldsItsFilesAndNothingBuilt) {
  EXPECT_NE(repository().find("Makefile"), nullptr);
  EXPECT_NE(repository().find(".ci/run"), nullptr);
  EXPECT_NE(repository().find("chapters/00-toolbox/include/minidocker/toolbox/error.hpp"), nullptr);
  EXPECT_NE(repository().find("tests/lint/source_tree_test.cpp"), nullptr);
  EXPECT_FALSE(repository().exists("build"));
  EXPECT_FALSE(repository().exists(".git"));
}

}  // namespace
}  // namespace minidocker::lint
