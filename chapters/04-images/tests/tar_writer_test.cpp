#include "minidocker/images_unpack/tar_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "minidocker/images/digest.hpp"
#include "minidocker/toolbox/error.hpp"
#include "streams.hpp"

namespace minidocker::images_unpack {
namespace {

using images_unpack::testing::TextPieces;
using ::testing::HasSubstr;
using Type = TarEntry::Type;

class TextSink final : public ByteSink {
 public:
  void write(std::string_view data) override { text += data; }
  std::string text;
};

TarEntry file_of(const std::string& name, std::uint64_t size = 0) {
  TarEntry entry;
  entry.name = name;
  entry.mode = 0644;
  entry.size = size;
  return entry;
}

std::string archive_of(const TarEntry& entry, const std::string& data = "") {
  TextSink sink;
  TarWriter writer(sink);
  writer.add(entry);
  writer.write_data(data);
  writer.finish();
  return sink.text;
}

struct Read {
  TarEntry entry;
  std::string data;
  std::vector<std::uint64_t> offsets;
};

// The first member of an archive, which must have no second one.
Read read_one(const std::string& archive) {
  TextPieces pieces(archive, 512);
  TarReader reader(pieces, "archive");
  Read read{reader.next().value(), {}, {}};
  for (std::string_view data = reader.read_data(); !data.empty(); data = reader.read_data()) {
    read.offsets.push_back(reader.data_offset());
    read.data += data;
  }
  EXPECT_FALSE(reader.next());
  return read;
}

void expect_same(const TarEntry& is, const TarEntry& was) {
  EXPECT_EQ(is.type, was.type);
  EXPECT_EQ(is.name, was.name);
  EXPECT_EQ(is.link, was.link);
  EXPECT_EQ(is.mode, was.mode);
  EXPECT_EQ(is.uid, was.uid);
  EXPECT_EQ(is.gid, was.gid);
  EXPECT_EQ(is.size, was.size);
  EXPECT_EQ(is.mtime.tv_sec, was.mtime.tv_sec);
  EXPECT_EQ(is.mtime.tv_nsec, was.mtime.tv_nsec);
  EXPECT_EQ(is.major, was.major);
  EXPECT_EQ(is.minor, was.minor);
  EXPECT_EQ(is.xattrs, was.xattrs);
  EXPECT_EQ(is.extents, was.extents);
}

TEST(TarWriter, WritesWhatUstarCanSayWithoutAnExtendedHeader) {
  TarEntry entry = file_of("a/b", 4);
  entry.mode = 04755;
  entry.uid = 1000;
  entry.mtime = {1700000000, 0};
  const std::string archive = archive_of(entry, "data");
  EXPECT_EQ(archive.size(), 4U * 512);
  const Read read = read_one(archive);
  expect_same(read.entry, entry);
  EXPECT_EQ(read.data, "data");
}

TEST(TarWriter, CutsLongNamesAtASlash) {
  const std::string name = std::string(150, 'd') + "/" + std::string(100, 'f');
  EXPECT_EQ(archive_of(file_of(name)).size(), 3U * 512);
  EXPECT_EQ(read_one(archive_of(file_of(name))).entry.name, name);
}

TEST(TarWriter, SaysInAnExtendedHeaderWhatUstarHasNoRoomFor) {
  const std::vector<std::function<void(TarEntry&)>> kOdd{
      [](TarEntry& e) { e.name = std::string(101, 'x'); },
      [](TarEntry& e) { e.name = std::string(200, 'x') + "/" + std::string(300, 'y'); },
      [](TarEntry& e) {
        e.name = std::string(99, 'd') + "/";
        e.type = Type::directory;
        e.mode = 01777;
      },
      [](TarEntry& e) {
        e.name = std::string(120, 'd') + "/";
        e.type = Type::directory;
      },
      [](TarEntry& e) {
        e.link = std::string(101, 'l');
        e.type = Type::symlink;
      },
      [](TarEntry& e) {
        e.link = std::string(4000, 'l');
        e.type = Type::hard_link;
      },
      [](TarEntry& e) { e.uid = 07777777 + 1; },
      [](TarEntry& e) { e.gid = 4294967294; },
      [](TarEntry& e) { e.mtime = {1, 5}; },
      [](TarEntry& e) { e.mtime = {-1, 0}; },
      [](TarEntry& e) { e.mtime = {-1, 500'000'000}; },
      [](TarEntry& e) { e.mtime = {-7, 999'999'999}; },
      [](TarEntry& e) { e.mtime = {std::int64_t{1} << 40, 1}; },
      [](TarEntry& e) { e.xattrs = {{"user.x", std::string("\0=\n", 3)}, {"user.empty", ""}}; },
      [](TarEntry& e) {
        e.type = Type::character_device;
        e.major = 4095;
        e.minor = 1048575;
      },
  };
  for (const auto& change : kOdd) {
    TarEntry entry = file_of("name");
    change(entry);
    expect_same(read_one(archive_of(entry)).entry, entry);
  }
}

TEST(TarWriter, WritesFilesOfMoreThanEightGibibytes) {
  TextSink sink;
  TarWriter(sink).add(file_of("big", std::uint64_t{9} << 30U));
  TextPieces pieces(sink.text, 512);
  TarReader reader(pieces, "archive");
  EXPECT_EQ(reader.next()->size, std::uint64_t{9} << 30U);
}

TEST(TarWriter, KeepsTheHolesOfSparseFiles) {
  TarEntry entry = file_of("with/holes", 1'000'000);
  entry.sparse = true;
  entry.extents = {{4096, 512}, {500'000, 2}};
  const std::string data = std::string(512, 'a') + "bc";
  const Read read = read_one(archive_of(entry, data));
  expect_same(read.entry, entry);
  EXPECT_TRUE(read.entry.sparse);
  EXPECT_EQ(read.data, data);
  EXPECT_EQ(read.offsets.front(), 4096U);
  EXPECT_EQ(read.offsets.back(), 500'000U);

  TarEntry hole = file_of("hole", 77);
  hole.sparse = true;
  expect_same(read_one(archive_of(hole)).entry, hole);
}

TEST(TarWriter, RefusesWhatNoArchiveCanSay) {
  const auto refusal_of = [](const TarEntry& entry) -> std::string {
    try {
      archive_of(entry);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal_of(file_of("")), HasSubstr("no name"));
  EXPECT_THAT(refusal_of(file_of(std::string("a\0b", 3))), HasSubstr("NUL"));
  TarEntry entry = file_of("f");
  entry.xattrs = {{"user.a=b", "c"}};
  EXPECT_THAT(refusal_of(entry), HasSubstr("an attribute named \"user.a=b\""));
  for (const std::vector<TarExtent>& extents :
       {std::vector<TarExtent>{{0, 3}, {4, 4}}, {{0, 1024}, {512, 1}}, {{99'999, 2}}, {{0, 0}}}) {
    entry = file_of("s", 100'000);
    entry.sparse = true;
    entry.extents = extents;
    EXPECT_THAT(refusal_of(entry), HasSubstr("its extents"));
  }
}

TEST(TarWriter, CountsTheDataThatItIsGiven) {
  EXPECT_THROW(archive_of(file_of("short", 3), "ab"), Error);
  EXPECT_THROW(archive_of(file_of("long", 1), "ab"), Error);
}

TEST(TarWriter, WritesTheSameBytesAlways) {
  TarEntry entry = file_of(std::string(150, 'n'), 4);
  entry.mtime = {-1, 5};
  entry.xattrs = {{"user.b", "2"}, {"user.a", "1"}};
  EXPECT_EQ(images::Digest::of(archive_of(entry, "data")).hex(),
            "7883215c7c19f2ea348458f0dec06e33c2247e288fd7f43598a930e371789448");
}

}  // namespace
}  // namespace minidocker::images_unpack
