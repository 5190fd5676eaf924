#include "own_header.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(OwnHeader, ComesFirst) {
  const SourceTree tree =
      SourceTree::of({{"room/src/b.hpp", ""},
                      {"room/src/a.cpp", "#include <string>\n#include \"minidocker/room/a.hpp\"\n"},
                      {"room/src/b.cpp", "#include \"b.hpp\"\n"},
                      {"room/src/main.cpp", "#include <string>\n"},
                      {"room/include/minidocker/room/a.hpp", ""}});
  const Findings findings = check_own_header_first(tree);
  EXPECT_THAT(findings, SizeIs(1));
  EXPECT_THAT(messages_of(findings), HasSubstr("room/include/minidocker/room/a.hpp"));
}

TEST(OwnHeader, IsFoundInADirectoryOfTheSameName) {
  const SourceTree tree = SourceTree::of({{"room/src/sys/a.cpp", "int x;\n"},
                                          {"room/include/minidocker/room/sys/a.hpp", ""},
                                          {"room/include/minidocker/room/a.hpp", ""}});
  EXPECT_THAT(messages_of(check_own_header_first(tree)), HasSubstr("room/sys/a.hpp"));
}

TEST(OwnHeader, IsOne) {
  const SourceTree tree = SourceTree::of({{"room/src/a.cpp", "#include \"a.hpp\"\n"},
                                          {"room/src/a.hpp", ""},
                                          {"room/include/minidocker/room/a.hpp", ""}});
  EXPECT_THAT(messages_of(check_own_header_first(tree)), HasSubstr("two headers"));
}

TEST(OwnHeader, ComesFirstInTheRepository) {
  EXPECT_EQ(to_text(check_own_header_first(repository())), "");
}

}  // namespace
}  // namespace minidocker::lint
