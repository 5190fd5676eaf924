#include "comment_tables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(CommentTables, MayHaveAnyNumberOfCellsAndRows) {
  const SourceTree tree = SourceTree::of(
      {{"a.hpp", "/// | a | b |\n/// |---|---|\n/// | 1 | 2 |\n///\n/// x | y\nint a = 1 | 2;\n"}});
  EXPECT_THAT(check_comment_tables(tree), IsEmpty());
}

TEST(CommentTables, HaveNoBrokenRows) {
  const SourceTree tree = SourceTree::of(
      {{"a.hpp",
        "/// | a | b |\n/// |---|---|\n/// | 1 | 2 | | 3\n/// here | 4 |\n/// | 5 | 6 |\n"}});
  EXPECT_THAT(check_comment_tables(tree), SizeIs(2));
}

TEST(CommentTables, HaveAHeadThatFits) {
  const SourceTree tree = SourceTree::of({{"a.cpp", "// | a |\n// |---|---|\n"}});
  EXPECT_THAT(check_comment_tables(tree), SizeIs(1));
}

TEST(CommentTables, AreWholeInTheRepository) {
  EXPECT_EQ(to_text(check_comment_tables(repository())), "");
}

}  // namespace
}  // namespace minidocker::lint
