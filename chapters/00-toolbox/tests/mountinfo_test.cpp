#include "minidocker/toolbox/mountinfo.hpp"

#include <unistd.h>

#include <string>

#include <gtest/gtest.h>

#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker {
namespace {

constexpr std::string_view kLine =
    "36 35 98:0 /mnt1 /mnt/my\\040disk rw,noatime master:1 shared:7 - ext4 /dev/root "
    "rw,errors=continue";

TEST(Mountinfo, ALineBecomesAnEntry) {
  const auto entries = parse_mountinfo(kLine);
  ASSERT_EQ(1U, entries.size());
  const MountEntry& entry = entries[0];
  EXPECT_EQ(36, entry.id);
  EXPECT_EQ(35, entry.parent);
  EXPECT_EQ(98U, entry.major);
  EXPECT_EQ(0U, entry.minor);
  EXPECT_EQ("/mnt1", entry.root);
  EXPECT_EQ("/mnt/my disk", entry.target);
  EXPECT_EQ("ext4", entry.type);
  EXPECT_EQ("/dev/root", entry.source);
  EXPECT_EQ("rw,errors=continue", entry.super_options);
  EXPECT_TRUE(entry.has_option("noatime"));
  EXPECT_FALSE(entry.has_option("ro"));
  EXPECT_TRUE(entry.is_shared());
}

TEST(Mountinfo, OptionalFieldsMayBeMissing) {
  const auto entries = parse_mountinfo("1 0 0:1 / / rw - rootfs none rw\n\n");
  ASSERT_EQ(1U, entries.size());
  EXPECT_TRUE(entries[0].optional.empty());
  EXPECT_FALSE(entries[0].is_shared());
}

TEST(Mountinfo, EscapesAreUndoneAndStrayBackslashesKept) {
  const auto entries = parse_mountinfo("1 0 0:1 / /a\\011b\\012c\\134d\\x\\04 rw -  tmpfs  rw");
  EXPECT_EQ("/a\tb\nc\\d\\x\\04", entries[0].target);
}

TEST(Mountinfo, AnEmptySourceStaysEmpty) {
  const auto entries = parse_mountinfo("1 0 0:1 / / rw - tmpfs  rw");
  EXPECT_EQ("tmpfs", entries[0].type);
  EXPECT_EQ("", entries[0].source);
}

TEST(Mountinfo, ALineThatCannotBeUnderstoodIsNamed) {
  for (const char* line :
       {"x", "1 2 3:4 / /", "1 0 0:1 / / rw ext4 /dev/root rw", "1 0 0:1 / / rw - ext4 /dev/root",
        "x 0 0:1 / / rw - t s rw", "1 0 01 / / rw - t s rw", "1 0 0:x / / rw - t s rw",
        "99999999999 0 0:1 / / rw - t s rw"}) {
    try {
      (void)parse_mountinfo(line);
      ADD_FAILURE() << line << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(ErrorKind::invalid_argument, error.kind());
      EXPECT_NE(std::string::npos, std::string(error.what()).find(quoted(line))) << error.what();
    }
  }
}

TEST(Mountinfo, OursHoldsOurRoot) {
  EXPECT_EQ(testing::mounts_of(::getpid()).size(), read_mountinfo().size());
  EXPECT_EQ(read_mountinfo(::getpid()).size(), read_mountinfo().size());
  EXPECT_THROW((void)read_mountinfo(999'999'999), SystemError);
}

TEST(FindMount, TakesTheLongestAndOfEqualOnesTheLast) {
  const auto mounts = parse_mountinfo(
      "1 0 0:1 / / rw - a a rw\n2 1 0:2 / /srv rw - b b rw\n"
      "3 2 0:3 / /srv/data rw - c c rw\n4 2 0:4 / /srv rw - d d rw");
  EXPECT_EQ(1, find_mount(mounts, "/etc")->id);
  EXPECT_EQ(4, find_mount(mounts, "/srv")->id);
  EXPECT_EQ(4, find_mount(mounts, "/srv/x")->id);
  EXPECT_EQ(3, find_mount(mounts, "/srv/data/x")->id);
  EXPECT_EQ(1, find_mount(mounts, "/srvx")->id);
  EXPECT_EQ(nullptr, find_mount(mounts, "relative"));
  EXPECT_EQ(nullptr, find_mount({}, "/"));
}

/// Every file of the corpus, and each with single bytes changed and cut, is either parsed or
/// refused as invalid_argument; nothing else may happen.
class MountinfoCorpus : public ::testing::Test {
 protected:
  static void feed(std::string_view text) {
    try {
      for (const MountEntry& entry : parse_mountinfo(text)) (void)entry.is_shared();
    } catch (const Error& error) {
      ASSERT_EQ(ErrorKind::invalid_argument, error.kind()) << error.what();
    }
  }
};

TEST_F(MountinfoCorpus, IsParsedOrRefusedWhateverIsChanged) {
  const std::string dir = MD_SOURCE_DIR "/chapters/00-toolbox/tests/corpus/mountinfo";
  const auto files = testing::files_below(dir);
  ASSERT_LE(5U, files.size());
  for (const std::string& file : files) {
    const std::string text = testing::read_text(dir + "/" + file);
    feed(text);
    for (std::size_t i = 0; i < text.size(); ++i) {
      feed(std::string_view(text).substr(0, i));
      for (const char byte : {'\0', ' ', '\n', '\\', '-', ':', '9', '\xff'}) {
        std::string changed = text;
        changed[i] = byte;
        feed(changed);
      }
    }
  }
}

}  // namespace
}  // namespace minidocker
