#include "standard_headers.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string found_in(const std::string& text) {
  return to_text(check_standard_headers(SourceTree::of({{"room/src/a.cpp", text}})));
}

TEST(StandardHeaders, AreIncludedForWhatIsUsed) {
  EXPECT_EQ(found_in("#include <vector>\nstd::vector<int> v;\n"), "");
  EXPECT_THAT(found_in("#include <string>\nstd::vector<int> v;\n"), HasSubstr("a.cpp:2: "));
  EXPECT_THAT(found_in("auto x = std::ranges::sort(y);\n"), HasSubstr("<algorithm>"));
  EXPECT_EQ(found_in("std::ranges::move(x, y);\n"), "");
  EXPECT_THAT(found_in("::std::chrono::seconds s;\n"), HasSubstr("<chrono>"));
  EXPECT_THAT(found_in("auto x = fmt::format(y);\n"), HasSubstr("<fmt/format.h>"));
}

TEST(StandardHeaders, AreNotAskedForByCommentsLiteralsOrNamesOfOurs) {
  EXPECT_EQ(found_in("// std::vector\nconst char* x = \"std::vector\"; my::vector y;\n"), "");
}

TEST(StandardHeaders, MayComeByTheOwnHeaderOnly) {
  const SourceTree tree = SourceTree::of(
      {{"room/include/minidocker/room/a.hpp", "#include <vector>\n"},
       {"room/src/a.cpp", "#include \"minidocker/room/a.hpp\"\nstd::vector<int> v;\n"},
       {"room/src/b.cpp", "#include \"minidocker/room/a.hpp\"\nstd::vector<int> v;\n"},
       {"room/tests/a_test.cpp", "#include \"minidocker/room/a.hpp\"\nstd::vector<int> v;\n"}});
  const Findings findings = check_standard_headers(tree);
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings.front().path, "room/src/b.cpp");
}

TEST(StandardHeaders, AreIncludedInTheRepository) {
  EXPECT_EQ(to_text(check_standard_headers(repository())), "");
}

}  // namespace
}  // namespace minidocker::lint
