#include "minidocker/images_unpack/tar_reader.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "streams.hpp"
#include "tar_builder.hpp"
#include "tar_fuzzer.hpp"

namespace minidocker::images_unpack {
namespace {

using images_unpack::testing::header_of;
using images_unpack::testing::Member;
using images_unpack::testing::seal;
using images_unpack::testing::TarBuilder;
using images_unpack::testing::TextPieces;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Type = TarEntry::Type;

// All members; data is put where the link would be, to see it.
std::vector<TarEntry> read(const std::string& archive, std::size_t piece = 1024) {
  TextPieces pieces(archive, piece);
  TarReader reader(pieces, "archive");
  std::vector<TarEntry> entries;
  while (std::optional<TarEntry> entry = reader.next()) {
    for (std::string_view data = reader.read_data(); !data.empty(); data = reader.read_data()) {
      entry->link += data;
    }
    entries.push_back(std::move(*entry));
  }
  reader.drain();
  return entries;
}

std::string refusal_of(const std::string& archive) {
  try {
    static_cast<void>(read(archive));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    return error.what();
  }
  return "";
}

TarEntry one(const TarBuilder& tar) { return read(tar.finish()).at(0); }

std::string with_field(Member member, std::size_t at, std::string_view text) {
  std::string header = header_of(member);
  header.replace(at, text.size(), text);
  seal(header);
  return header;
}

TEST(TarReader, GivesWhatAHeaderSays) {
  const TarEntry entry = one(TarBuilder().add({.name = "a/b",
                                               .content = "data",
                                               .mode = 04755,
                                               .uid = 1000,
                                               .gid = 50,
                                               .mtime = 1700000000}));
  EXPECT_EQ(entry.type, Type::file);
  EXPECT_EQ(entry.name, "a/b");
  EXPECT_EQ(entry.link, "data");
  EXPECT_EQ(entry.mode, 04755U);
  EXPECT_EQ(entry.uid, 1000U);
  EXPECT_EQ(entry.gid, 50U);
  EXPECT_EQ(entry.mtime.tv_sec, 1700000000);
  EXPECT_EQ(entry.size, 4U);
}

TEST(TarReader, KnowsEveryTypeOfMember) {
  const std::vector<TarEntry> entries = read(TarBuilder()
                                                 .add({.name = "h", .type = '1', .link = "x"})
                                                 .add({.name = "s", .type = '2', .link = "y"})
                                                 .add({.name = "c", .type = '3', .major = 5})
                                                 .add({.name = "b", .type = '4', .minor = 6})
                                                 .dir("d")
                                                 .add({.name = "p", .type = '6'})
                                                 .add({.name = "old", .type = '\0'})
                                                 .add({.name = "old/", .type = '\0'})
                                                 .add({.name = "seven", .type = '7'})
                                                 .finish());
  std::vector<Type> types;
  for (const TarEntry& entry : entries) types.push_back(entry.type);
  EXPECT_THAT(
      types, ElementsAre(Type::hard_link, Type::symlink, Type::character_device, Type::block_device,
                         Type::directory, Type::fifo, Type::file, Type::directory, Type::file));
  EXPECT_EQ(entries[0].link, "x");
  EXPECT_EQ(entries[2].major, 5U);
  EXPECT_EQ(entries[3].minor, 6U);
}

TEST(TarReader, IgnoresTheSizeOfWhatHasNoData) {
  const std::string link = with_field({.name = "l", .type = '1', .link = "x"}, 124, "00000001000");
  EXPECT_THAT(read(TarBuilder().raw(link).file("next").finish()), SizeIs(2));
}

TEST(TarReader, ReadsInPiecesOfAnySize) {
  const std::string archive =
      TarBuilder().file("a", std::string(5000, 'a')).file("b", "bb").finish();
  for (const std::size_t piece : {512U, 1024U, 5120U, 102'400U}) {
    const std::vector<TarEntry> entries = read(archive, piece);
    ASSERT_THAT(entries, SizeIs(2)) << piece;
    EXPECT_EQ(entries[0].link, std::string(5000, 'a'));
    EXPECT_EQ(entries[1].link, "bb");
  }
}

TEST(TarReader, SkipsDataThatNobodyReads) {
  TextPieces pieces(TarBuilder().file("a", std::string(5000, 'a')).file("b").finish(), 512);
  TarReader reader(pieces, "archive");
  EXPECT_EQ(reader.next()->name, "a");
  EXPECT_EQ(reader.next()->name, "b");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
}

TEST(TarReader, JoinsThePrefixOfUstarToTheName) {
  const std::string header = with_field({.name = "file"}, 345, "some/prefix");
  EXPECT_EQ(one(TarBuilder().raw(header)).name, "some/prefix/file");
  // GNU's old header has other fields there.
  std::string gnu = with_field({.name = "file"}, 345, "00000000000");
  gnu.replace(257, 8, std::string_view("ustar  \0", 8));
  seal(gnu);
  EXPECT_EQ(one(TarBuilder().raw(gnu)).name, "file");
}

TEST(TarReader, TakesGnusLongNamesAndLinks) {
  const std::string name(300, 'n');
  const std::string link(400, 'l');
  const std::vector<TarEntry> entries =
      read(TarBuilder()
               .add({.name = "././@LongLink", .type = 'L', .content = name + '\0'})
               .add({.name = "././@LongLink", .type = 'K', .content = link + '\0'})
               .add({.name = "cut", .type = '2', .link = "cut"})
               .add({.name = "volume", .type = 'V'})
               .file("next")
               .finish());
  EXPECT_EQ(entries.at(0).name, name);
  EXPECT_EQ(entries.at(0).link, link);
  EXPECT_EQ(entries.at(1).name, "next");
}

TEST(TarReader, TakesNumbersInBase256) {
  using namespace std::string_view_literals;
  EXPECT_EQ(one(TarBuilder().raw(with_field({.name = "f"}, 108, "\x80\0\0\0\0\x0f\x42\x40"sv))).uid,
            1'000'000U);
  const std::string before_1970 =
      with_field({.name = "f"}, 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"sv);
  EXPECT_EQ(one(TarBuilder().raw(before_1970)).mtime.tv_sec, -2);
  EXPECT_THAT(refusal_of(with_field({.name = "f"}, 124,
                                    "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv)),
              HasSubstr("damaged"));
  EXPECT_THAT(refusal_of(with_field({.name = "f"}, 108, "\x80\0\0\xff\xff\xff\xff\xff"sv)),
              HasSubstr("an owner in its header is damaged"));
}

TEST(TarReader, LetsPaxRecordsReplaceFields) {
  const TarEntry entry = one(TarBuilder()
                                 .pax("path", "the/real/name")
                                 .pax("uid", "70000")
                                 .pax("gid", "3000000000")
                                 .pax("mtime", "12.5")
                                 .pax("SCHILY.xattr.user.a", std::string("x\0y", 3))
                                 .pax("comment", "whatever")
                                 .file("cut"));
  EXPECT_EQ(entry.name, "the/real/name");
  EXPECT_EQ(entry.uid, 70000U);
  EXPECT_EQ(entry.gid, 3'000'000'000U);
  EXPECT_EQ(entry.mtime.tv_sec, 12);
  EXPECT_EQ(entry.mtime.tv_nsec, 500'000'000);
  EXPECT_EQ(entry.xattrs.at("user.a"), std::string("x\0y", 3));
}

TEST(TarReader, TakesSizesAndTimesThatOnlyPaxCanSay) {
  std::string header = header_of({.name = "f"});
  EXPECT_EQ(read(TarBuilder().pax("size", "3").raw(header).data("abc").finish()).at(0).link, "abc");
  const TarEntry old = one(TarBuilder()
                               .pax("mtime", "-1.25")
                               .pax("linkpath", "t")
                               .add({.name = "l", .type = '2', .link = "x"}));
  EXPECT_EQ(old.mtime.tv_sec, -2);
  EXPECT_EQ(old.mtime.tv_nsec, 750'000'000);
  EXPECT_EQ(old.link, "t");
}

TEST(TarReader, KeepsGlobalRecordsUntilTheyAreTakenBack) {
  const std::vector<TarEntry> entries = read(TarBuilder()
                                                 .pax("uid", "7", 'g')
                                                 .file("a")
                                                 .pax("uid", "8")
                                                 .file("b")
                                                 .file("c")
                                                 .pax("uid", "", 'g')
                                                 .file("d")
                                                 .finish());
  EXPECT_EQ(entries[0].uid, 7U);
  EXPECT_EQ(entries[1].uid, 8U);
  EXPECT_EQ(entries[2].uid, 7U);
  EXPECT_EQ(entries[3].uid, 0U);
}

TEST(TarReader, TakesAnArchiveWithoutItsEndMark) {
  EXPECT_THAT(read(TarBuilder().file("a").unfinished()), SizeIs(1));
  EXPECT_THAT(read(TarBuilder().file("a").unfinished() + std::string(512, '\0')), SizeIs(1));
  EXPECT_TRUE(read("").empty());
}

// As umoci 0.4.7 leaves what `insert` writes, and Go's archive/tar, so everybody, reads.
TEST(TarReader, TakesAnArchiveThatEndsWithinWhatFillsItsLastBlock) {
  const std::string whole = TarBuilder().file("a", "first").file("b", "last").unfinished();
  const std::size_t end = 3 * 512 + 4;
  for (const std::size_t size : {end, end + 1, end + 507}) {
    EXPECT_THAT(read(whole.substr(0, size)), SizeIs(2)) << size;
  }
  EXPECT_THAT(refusal_of(whole.substr(0, end - 1)), HasSubstr("middle of a file"));
}

TEST(TarReader, ReadsWhateverFollowsTheEndSoThatDigestsAreWhole) {
  TextPieces pieces(TarBuilder().finish() + std::string(9000, 'x'), 512);
  TarReader reader(pieces, "archive");
  EXPECT_FALSE(reader.next());
  reader.drain();
  EXPECT_EQ(pieces.left(), 0U);
}

TEST(TarReader, SaysWhatIsWrongWithAnArchive) {
  std::string damaged = TarBuilder().file("a").finish();
  damaged[0] = 'b';
  EXPECT_EQ(refusal_of(damaged), "archive: a header's checksum disagrees: no tar, or damaged");
  EXPECT_THAT(refusal_of("short"), HasSubstr("middle of a header"));
  const std::string long_file = TarBuilder().file("a", std::string(2000, 'a')).unfinished();
  EXPECT_THAT(refusal_of(long_file.substr(0, 1000)), HasSubstr("middle of a file"));
  EXPECT_THAT(refusal_of(std::string(512, '\0') + TarBuilder().file("a").finish()),
              HasSubstr("follows the mark"));
  EXPECT_THAT(refusal_of(TarBuilder().add({.name = "x", .type = 'Z'}).finish()),
              HasSubstr("member \"x\": its type is unknown"));
  EXPECT_THAT(refusal_of(TarBuilder().add({.name = ""}).finish()), HasSubstr("has no name"));
  EXPECT_THAT(refusal_of(TarBuilder().pax("uid", "7").finish()), HasSubstr("after an extended"));
}

TEST(TarReader, SaysWhichNumberOfAHeaderIsDamaged) {
  EXPECT_THAT(refusal_of(with_field({.name = "f"}, 100, "999")), HasSubstr("number in its header"));
  EXPECT_THAT(refusal_of(with_field({.name = "f"}, 136, "-7")), HasSubstr("number in its header"));
  EXPECT_THAT(refusal_of(with_field({.name = "f", .type = '3'}, 329, "abc")),
              HasSubstr("device number"));
  EXPECT_THAT(refusal_of(with_field({.name = "x", .type = 'x'}, 124, "abc")),
              HasSubstr("size of an extended header"));
}

// A sparse file in one of the forms of pax: how its records and its list look.
std::string sparse(const TarBuilder& records, const std::string& stored) {
  return TarBuilder(records).file("s", stored).finish();
}

TarBuilder version_1(const std::string& real_size) {
  return TarBuilder()
      .pax("GNU.sparse.major", "1")
      .pax("GNU.sparse.minor", "0")
      .pax("GNU.sparse.realsize", real_size);
}

std::string lines(std::string text, std::size_t blocks = 1) {
  text.resize(blocks * 512, '\0');
  return text;
}

std::string old_sparse(std::string_view extents, const std::string& real_size,
                       const std::string& stored, bool more = false) {
  std::string header = header_of({.name = "s", .type = 'S', .content = stored});
  header.replace(386, extents.size(), extents);
  header.replace(483, real_size.size(), real_size);
  header[482] = more ? '\1' : '\0';
  seal(header);
  return header;
}

TEST(TarReader, ReadsSparseFilesOfAllForms) {
  const std::vector<TarExtent> expected{{4, 2}, {100, 3}};
  const TarBuilder version_00 =
      TarBuilder().add({.name = "pax",
                        .type = 'x',
                        .content = "24 GNU.sparse.size=1000\n26 GNU.sparse.numblocks=2\n"
                                   "23 GNU.sparse.offset=4\n25 GNU.sparse.numbytes=2\n"
                                   "25 GNU.sparse.offset=100\n25 GNU.sparse.numbytes=3\n"});
  const TarBuilder version_01 =
      TarBuilder().pax("GNU.sparse.size", "1000").pax("GNU.sparse.map", "4,2,100,3");
  const std::string old_extents(
      "00000000004\0"
      "00000000002\0"
      "00000000144\0"
      "00000000003\0",
      48);
  for (const std::string& archive :
       {sparse(version_00, "abcde"), sparse(version_01, "abcde"),
        sparse(version_1("1000"), lines("2\n4\n2\n100\n3\n") + "abcde"),
        TarBuilder().raw(old_sparse(old_extents, "00000001750", "abcde")).data("abcde").finish()}) {
    const TarEntry entry = read(archive, 512).at(0);
    EXPECT_TRUE(entry.sparse);
    EXPECT_EQ(entry.size, 1000U);
    EXPECT_EQ(entry.extents, expected);
    EXPECT_EQ(entry.link, "abcde");
  }
}

TEST(TarReader, RefusesListsOfHolesThatMakeNoSense) {
  const auto map = [](const std::string& text) {
    return refusal_of(
        sparse(TarBuilder().pax("GNU.sparse.size", "100").pax("GNU.sparse.map", text), "ab"));
  };
  EXPECT_EQ(map("4,2"), "");
  for (const char* text : {"4,1", "4,3", "99,2", "-4,2", "4,1,4,1", "9,1,2,1", "200,0,4,2",
                           "18446744073709551615,2", "9223372036854775807,2"}) {
    EXPECT_THAT(map(text), HasSubstr("hole")) << text;
  }
  for (const char* text : {"4", "4,", ",", "a,2", "4,2,"}) {
    EXPECT_THAT(map(text), HasSubstr("damaged")) << text;
  }
  for (const char* text : {"2\n4\n2\n", "x\n", "999999\n", "123456789012345678901234567890"}) {
    EXPECT_THAT(refusal_of(sparse(version_1("100"), lines(text) + "ab")), HasSubstr("holes"))
        << text;
  }
  EXPECT_THAT(refusal_of(sparse(version_1("100"), "1\n")), HasSubstr("too early"));
  EXPECT_THAT(refusal_of(TarBuilder().pax("GNU.sparse.major", "2").file("s").finish()),
              HasSubstr("version"));
  EXPECT_THAT(refusal_of(version_1("1").dir("d").finish()), HasSubstr("cannot have holes"));
  EXPECT_THAT(refusal_of(TarBuilder().pax("GNU.sparse.numbytes", "1").file("s").finish()),
              HasSubstr("extended header is damaged"));
  EXPECT_THAT(
      refusal_of(TarBuilder().raw(old_sparse("zz0000000000000000000004", "7", "", true)).finish()),
      HasSubstr("list of holes is damaged"));
}

TEST(TarReader, SaysOfForeignTypesWhatTheyAre) {
  for (const auto& [type, why] : {std::pair{'M', "another volume"},
                                  {'D', "incremental dump"},
                                  {'N', "GNU tar before 1.11"}}) {
    EXPECT_THAT(refusal_of(TarBuilder().add({.name = "x", .type = type}).finish()), HasSubstr(why));
  }
  EXPECT_THAT(refusal_of(TarBuilder().pax("GNU.volume.label", "x").file("f").finish()),
              HasSubstr("another volume"));
}

TEST(TarReader, RefusesDamagedExtendedHeaders) {
  for (const char* text :
       {"x", "5 a=", "3 =\n", "99 a=b\n", "6 a=b", "6 abc\n", "-1 a=b\n", "2 a=b\n"}) {
    EXPECT_THAT(
        refusal_of(
            TarBuilder().add({.name = "p", .type = 'x', .content = text}).file("f").finish()),
        HasSubstr("extended header is damaged"))
        << text;
  }
  for (const auto& [key, value] : {std::pair{"uid", "x"},
                                   {"gid", "-1"},
                                   {"uid", "4294967295"},
                                   {"mtime", "x"},
                                   {"mtime", "1.x"},
                                   {"mtime", "-9223372036854775808.5"},
                                   {"size", "-5"},
                                   {"size", "99999999999999999999"},
                                   {"SCHILY.xattr.", "x"}}) {
    EXPECT_THAT(refusal_of(TarBuilder().pax(key, value).file("f").finish()),
                HasSubstr(std::string("damaged at ") + key));
  }
  EXPECT_THAT(refusal_of(TarBuilder().pax("path", std::string("a\0b", 3)).file("f").finish()),
              HasSubstr("damaged at path"));
}

TEST(TarReader, BoundsWhatDescribesAMember) {
  EXPECT_THAT(refusal_of(with_field({.name = "x", .type = 'x'}, 124, "77777777777")),
              HasSubstr("are not read"));
  TarBuilder many;
  for (int i = 0; i < 20; ++i) many.pax("comment", "x");
  EXPECT_THAT(refusal_of(many.file("f").finish()), HasSubstr("too many extended headers"));
  std::string records;
  for (int i = 1000; i < 2100; ++i) records += "10 " + std::to_string(i) + "=x\n";
  EXPECT_THAT(refusal_of(TarBuilder().add({.name = "g", .type = 'g', .content = records}).finish()),
              HasSubstr("too many records"));
  TarBuilder global;
  for (int i = 0; i < 3; ++i) {
    global.pax("comment", std::string(400'000, 'x'), 'g').file("f");
  }
  EXPECT_THAT(refusal_of(global.finish()), HasSubstr("global extended headers of more than"));
}

TEST(TarReader, LooksForTheSlashOfADirectoryInTheWholeName) {
  // Of a name that is longer than the field its first 100 bytes stand there.
  const std::string name = std::string(99, 'd') + "/file";
  const std::string cut = name.substr(0, 100);
  for (const char type : {'0', '\0'}) {
    const std::vector<TarEntry> entries =
        read(TarBuilder()
                 .add({.name = "././@LongLink", .type = 'L', .content = name + '\0'})
                 .add({.name = cut, .type = type, .content = "gnu"})
                 .pax("path", name)
                 .add({.name = cut, .type = type, .content = "pax"})
                 .pax("path", "old/")
                 .add({.name = "cut", .type = type})
                 .finish());
    ASSERT_THAT(entries, SizeIs(3));
    for (const std::size_t i : {0U, 1U}) {
      EXPECT_EQ(entries[i].type, Type::file);
      EXPECT_EQ(entries[i].name, name);
      EXPECT_EQ(entries[i].link, i == 0 ? "gnu" : "pax");
    }
    EXPECT_EQ(entries[2].type, Type::directory);
  }
}

TEST(TarReader, RefusesDeviceNumbersThatTheKernelWouldCut) {
  EXPECT_THAT(refusal_of(TarBuilder().add({.name = "d", .type = '3', .major = 4096}).finish()),
              HasSubstr("device number"));
  EXPECT_THAT(refusal_of(TarBuilder().add({.name = "d", .type = '4', .minor = 1U << 20U}).finish()),
              HasSubstr("device number"));
  const TarEntry last =
      one(TarBuilder().add({.name = "d", .type = '3', .major = 4095, .minor = 1048575}));
  EXPECT_EQ(last.major, 4095U);
  EXPECT_EQ(last.minor, 1048575U);
}

// --- what fuzzing begins with --------------------------------------------------------------------

std::string corpus_dir() {
  return std::string(MD_SOURCE_DIR) + "/chapters/04-images/tests/corpus/tar";
}

std::string in_words(const TarEntry& entry) {
  const char* type = entry.type == Type::file        ? "file"
                     : entry.type == Type::hard_link ? "hard"
                     : entry.type == Type::symlink   ? "link"
                     : entry.type == Type::directory ? "directory"
                                                     : "other";
  return fmt::format("{} {}: {}", type, entry.name, entry.link);
}

std::vector<std::string> members_of(const std::string& name) {
  std::vector<std::string> members;
  for (const TarEntry& entry : read(read_file(corpus_dir() + "/" + name))) {
    members.push_back(in_words(entry));
  }
  return members;
}

TEST(TarCorpus, ArchivesOfOtherProgramsHoldWhatWasPutIntoThem) {
  for (const char* name : {"v7.tar", "ustar.tar", "oldgnu.tar", "gnu.tar", "posix.tar"}) {
    EXPECT_THAT(members_of(name), ElementsAre("directory dir/: ", "file dir/file: content\n",
                                              "hard dir/hard: dir/file", "link dir/link: file"))
        << name;
  }
}

TEST(TarCorpus, NamesThatAreLongerThanAHeaderAreWhole) {
  const std::string name = "dir/" + std::string(120, 'n');
  for (const char* archive : {"gnu-long.tar", "posix-long.tar"}) {
    EXPECT_THAT(members_of(archive),
                ElementsAre("directory dir/: ", "file dir/hard: content\n", "link dir/link: file",
                            "hard " + name + ": dir/hard"))
        << archive;
  }
}

TEST(TarCorpus, FileWhoseNameIsCutAfterASlashIsAFile) {
  const std::string dir(99, 'd');
  for (const char* archive : {"gnu-slash.tar", "posix-slash.tar"}) {
    EXPECT_THAT(
        members_of(archive),
        ElementsAre("directory " + dir + "/: ", "file " + dir + "/file: content\n",
                    "hard " + dir + "/hard: " + dir + "/file", "link " + dir + "/link: file"))
        << archive;
  }
}

TEST(TarCorpus, DamageAnywhereEndsInMembersOrInAnError) {
  for (const std::string& name : list_dir(corpus_dir())) {
    const std::string archive = read_file(corpus_dir() + "/" + name);
    const std::size_t used = std::min<std::size_t>(archive.size(), 5120);
    for (std::size_t at = 0; at < used; at += 11) {
      std::string damaged = archive.substr(0, used);
      damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
      fuzz_tar(damaged);
      // With the checksum repaired the damage gets further.
      std::string header = damaged.substr(at / 512 * 512, 512);
      if (header.size() == 512) seal(header);
      fuzz_tar(damaged.replace(at / 512 * 512, 512, header));
      fuzz_tar(archive.substr(0, at));
    }
  }
}

}  // namespace
}  // namespace minidocker::images_unpack
