#include "include_cycles.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kTable =
    "<!-- lint: include table -->\n"
    "| room | directory | headers | of ours | third-party |\n"
    "|---|---|---|---|---|\n"
    "| a | chapters/a | a | | |\n"
    "| b | chapters/b | b | | |\n";

TEST(IncludeCycles, BetweenFilesAreFoundWithTheirPath) {
  const SourceTree tree = SourceTree::of({
      {"chapters/a/include/minidocker/a/x.hpp", "#include \"minidocker/a/y.hpp\"\n"},
      {"chapters/a/include/minidocker/a/y.hpp", "#include \"minidocker/a/x.hpp\"\n"},
  });
  const Findings findings = check_include_cycles(tree, House::parse(kTable));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].message, HasSubstr("x.hpp -> chapters/a/include/minidocker/a/y.hpp -> "));
}

TEST(IncludeCycles, BetweenRoomsAreFoundWhereNoFileHasOne) {
  const SourceTree tree = SourceTree::of({
      {"chapters/a/include/minidocker/a/x.hpp", ""},
      {"chapters/a/src/x.cpp", "#include \"minidocker/b/y.hpp\"\n"},
      {"chapters/b/include/minidocker/b/y.hpp", ""},
      {"chapters/b/src/y.cpp", "#include \"minidocker/a/x.hpp\"\n"},
  });
  EXPECT_THAT(messages_of(check_include_cycles(tree, House::parse(kTable))),
              HasSubstr("cycle between rooms: a -> b -> a"));
}

TEST(IncludeCycles, AreNotMeantByADiamond) {
  const SourceTree tree = SourceTree::of({
      {"chapters/a/include/minidocker/a/x.hpp", ""},
      {"chapters/a/include/minidocker/a/y.hpp", "#include \"minidocker/a/x.hpp\"\n"},
      {"chapters/a/src/y.cpp",
       "#include \"minidocker/a/x.hpp\"\n#include \"minidocker/a/y.hpp\"\n"},
  });
  EXPECT_THAT(check_include_cycles(tree, House::parse(kTable)), IsEmpty());
}

TEST(IncludeCycles, AreNotInTheRepository) {
  EXPECT_EQ(to_text(check_include_cycles(repository(), repository_house())), "");
}

}  // namespace
}  // namespace minidocker::lint
