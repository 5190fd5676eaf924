#include "include_table.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "repository.hpp"

namespace minidocker::lint {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kTable = R"(
<!-- lint: include table -->

| room | directory | headers | of ours | third-party |
|---|---|---|---|---|
| toolbox | `chapters/00-toolbox` | `toolbox` | | nlohmann |
| images | `chapters/04-images` | `images` | | openssl |
| images_unpack | `chapters/04-images` | `images_unpack` | images | zlib |
| engine | `mini-docker/engine` | `engine` | images shim/protocol.hpp | |
| shim | `mini-docker/shim` | `shim` | | |

| not | this |
)";

// Every header that a sample may name is there; the sample itself is one more file.
Findings check_file(const std::string& path, const std::string& text) {
  const SourceTree tree = SourceTree::of({
      {"chapters/00-toolbox/include/minidocker/toolbox/error.hpp", ""},
      {"chapters/04-images/include/minidocker/images/store.hpp", ""},
      {"chapters/04-images/include/minidocker/images_unpack/tar.hpp", ""},
      {"mini-docker/engine/include/minidocker/engine/engine.hpp", ""},
      {"mini-docker/shim/include/minidocker/shim/protocol.hpp", ""},
      {"mini-docker/shim/include/minidocker/shim/shim.hpp", ""},
      {path, text},
  });
  return check_include_table(tree, House::parse(kTable));
}

TEST(IncludeTable, IsReadUpToItsEnd) {
  const House house = House::parse(kTable);
  ASSERT_THAT(house.rooms(), SizeIs(5));
  EXPECT_EQ(house.rooms()[3].directory, "mini-docker/engine");
  EXPECT_THAT(house.rooms()[3].may_include, ::testing::ElementsAre("images", "shim/protocol.hpp"));
}

TEST(IncludeTable, MustBeThere) {
  EXPECT_THROW((void)House::parse("no table"), std::runtime_error);
  EXPECT_THROW((void)House::parse("<!-- lint: include table -->\n"), std::runtime_error);
}

TEST(IncludeTable, StopsARoomFromIncludingAnotherThatItDoesNotList) {
  EXPECT_THAT(messages_of(check_file("chapters/00-toolbox/src/a.cpp",
                                     "#include \"minidocker/images/store.hpp\"\n")),
              HasSubstr("toolbox may not include"));
}

TEST(IncludeTable, AllowsTheRoomItselfTheToolboxAndWhatIsListed) {
  EXPECT_THAT(check_file("mini-docker/engine/src/a.cpp",
                         "#include \"minidocker/engine/engine.hpp\"\n"
                         "#include \"minidocker/images/store.hpp\"\n"
                         "#include \"minidocker/shim/protocol.hpp\"\n"
                         "#include \"minidocker/toolbox/error.hpp\"\n"),
              IsEmpty());
}

TEST(IncludeTable, NarrowsARoomToOneHeader) {
  EXPECT_THAT(check_file("mini-docker/engine/src/a.cpp", "#include \"minidocker/shim/shim.hpp\"\n"),
              SizeIs(1));
}

TEST(IncludeTable, TellsTwoRoomsOfOneDirectoryApart) {
  EXPECT_THAT(check_file("chapters/04-images/src/store.cpp",
                         "#include \"minidocker/images/store.hpp\"\n"
                         "#include \"minidocker/images_unpack/tar.hpp\"\n"),
              SizeIs(1));
  EXPECT_THAT(check_file("chapters/04-images/src/tar.cpp",
                         "#include \"minidocker/images_unpack/tar.hpp\"\n"
                         "#include \"minidocker/images/store.hpp\"\n"),
              IsEmpty());
}

TEST(IncludeTable, CountsAPrivateFileForTheRoomWhoseHeadersItNeeds) {
  const std::string zlib = "#include <zlib.h>\n";
  EXPECT_THAT(check_file("chapters/04-images/src/inflate.cpp",
                         zlib + "#include \"minidocker/images_unpack/tar.hpp\"\n"),
              IsEmpty());
  EXPECT_THAT(check_file("chapters/04-images/src/text.cpp", zlib), SizeIs(1));
}

TEST(IncludeTable, FindsAPrivateHeaderInADirectoryAbove) {
  EXPECT_THAT(check_file("mini-docker/shim/tests/sys/a_test.cpp",
                         "#include \"include/minidocker/shim/shim.hpp\"\n"),
              IsEmpty());
  EXPECT_THAT(check_file("mini-docker/shim/tests/a_test.cpp", "#include \"gone.hpp\"\n"),
              SizeIs(1));
}

TEST(IncludeTable, KeepsThirdPartyHeadersToTheRoomsThatListThem) {
  EXPECT_THAT(check_file("mini-docker/shim/src/a.cpp", "#include <openssl/evp.h>\n"), SizeIs(1));
  EXPECT_THAT(check_file("chapters/04-images/src/a.cpp",
                         "#include \"minidocker/images/store.hpp\"\n#include <openssl/evp.h>\n"),
              IsEmpty());
}

TEST(IncludeTable, KeepsThirdPartyHeadersOutOfHeaders) {
  const std::string header = "chapters/00-toolbox/include/minidocker/toolbox/a.hpp";
  EXPECT_THAT(check_file(header, "#include <nlohmann/json.hpp>\n"), SizeIs(1));
  EXPECT_THAT(check_file(header, "#include <nlohmann/json_fwd.hpp>\n"), IsEmpty());
}

TEST(IncludeTable, KeepsCommandLinesToFilesThatAreAboutThem) {
  EXPECT_THAT(check_file("mini-docker/shim/src/a.cpp", "#include <CLI/CLI.hpp>\n"), SizeIs(1));
  EXPECT_THAT(check_file("mini-docker/shim/src/shim_main.cpp", "#include <CLI/CLI.hpp>\n"),
              IsEmpty());
  EXPECT_THAT(check_file("mini-docker/shim/src/flag_parser.cpp", "#include <CLI/CLI.hpp>\n"),
              IsEmpty());
  EXPECT_THAT(check_file("mini-docker/shim/src/flag_parser.hpp", "#include <CLI/CLI.hpp>\n"),
              Not(IsEmpty()));
}

TEST(IncludeTable, WantsEveryFileOfARoomToStandInOne) {
  EXPECT_THAT(messages_of(check_file("chapters/99-attic/src/a.cpp", "")), HasSubstr("no room"));
}

TEST(IncludeTable, WantsToKnowEveryLibrary) {
  EXPECT_EQ(library_of("mystery/api.h"), "");
  EXPECT_EQ(library_of("sys/mount.h"), "std");
  EXPECT_EQ(library_of("vector"), "std");
  EXPECT_EQ(library_of("zlib.h"), "zlib");
}

TEST(IncludeTable, GrantsNothingThatNobodyUses) {
  const SourceTree tree = SourceTree::of({
      {"chapters/00-toolbox/src/a.cpp", "#include <nlohmann/json.hpp>\n"},
      {"chapters/04-images/include/minidocker/images/store.hpp", ""},
      {"chapters/04-images/include/minidocker/images_unpack/tar.hpp",
       "#include \"minidocker/images/store.hpp\"\n"},
      {"chapters/04-images/tests/tar_test.cpp", "#include <zlib.h>\n"},
      {"mini-docker/engine/src/a.cpp", "#include \"minidocker/shim/protocol.hpp\"\n"},
      {"mini-docker/shim/include/minidocker/shim/protocol.hpp", ""},
  });
  const Findings findings = check_unused_permissions(tree, House::parse(kTable));
  EXPECT_THAT(findings, SizeIs(3));
  const std::string text = to_text(findings);
  EXPECT_THAT(text, HasSubstr("images may use openssl, and no file of it does"));
  EXPECT_THAT(text, HasSubstr("images_unpack may use zlib"));
  EXPECT_THAT(text, HasSubstr("engine may use images"));
}

TEST(IncludeTable, IsObeyedByTheRepository) {
  EXPECT_EQ(to_text(check_unused_permissions(repository(), repository_house())), "");
  EXPECT_EQ(to_text(check_include_table(repository(), repository_house())), "");
}

}  // namespace
}  // namespace minidocker::lint
