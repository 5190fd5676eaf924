#include "minidocker/spec/mount_options.hpp"

#include <sys/mount.h>

#include <algorithm>

#include <gtest/gtest.h>

namespace minidocker::spec {
namespace {

MountOptions options_of(const std::vector<std::string>& words) {
  return parse_mount_options(words);
}

TEST(MountOptions, NoWordsAskForNothing) { EXPECT_EQ(options_of({}), MountOptions{}); }

TEST(MountOptions, FlagsAreSetAndTheRestIsDataInItsOrder) {
  const MountOptions options = options_of({"nosuid", "mode=755", "noexec", "size=64k", "foo"});
  EXPECT_EQ(options.set, std::uint64_t{MS_NOSUID | MS_NOEXEC});
  EXPECT_EQ(options.clear, 0U);
  EXPECT_EQ(options.data, "mode=755,size=64k,foo");
}

TEST(MountOptions, WordsThatClearAreKeptApartFromAbsentOnes) {
  const MountOptions options = options_of({"rw", "dev", "exec", "suid"});
  EXPECT_EQ(options.set, 0U);
  EXPECT_EQ(options.clear, std::uint64_t{MS_RDONLY | MS_NODEV | MS_NOEXEC | MS_NOSUID});
}

TEST(MountOptions, OfAContradictionTheLaterWordHolds) {
  MountOptions options = options_of({"ro", "rw"});
  EXPECT_EQ(options.set, 0U);
  EXPECT_EQ(options.clear, std::uint64_t{MS_RDONLY});
  options = options_of({"rw", "ro"});
  EXPECT_EQ(options.set, std::uint64_t{MS_RDONLY});
  EXPECT_EQ(options.clear, 0U);
}

TEST(MountOptions, OneAtimeWordReplacesTheOther) {
  EXPECT_EQ(options_of({"noatime", "strictatime"}).set, std::uint64_t{MS_STRICTATIME});
  EXPECT_EQ(options_of({"strictatime", "relatime"}).set, std::uint64_t{MS_RELATIME});
  EXPECT_EQ(options_of({"noatime", "atime"}).set, 0U);
  EXPECT_EQ(options_of({"noatime", "nodiratime"}).set, std::uint64_t{MS_NOATIME | MS_NODIRATIME});
}

TEST(MountOptions, TheWordDecidesWhatIsABind) {
  EXPECT_TRUE(options_of({"bind"}).is_bind());
  EXPECT_FALSE(options_of({"bind"}).is_recursive_bind());
  EXPECT_TRUE(options_of({"rbind", "ro"}).is_recursive_bind());
  EXPECT_FALSE(options_of({"ro"}).is_bind());
}

TEST(MountOptions, PropagationWordsAreCallsOfTheirOwnInOrder) {
  const MountOptions options = options_of({"rbind", "private", "rslave"});
  EXPECT_EQ(options.propagation,
            (std::vector<std::uint64_t>{MS_PRIVATE, std::uint64_t{MS_SLAVE | MS_REC}}));
  EXPECT_EQ(options.set, std::uint64_t{MS_BIND | MS_REC});
}

TEST(MountOptions, RecursiveWordsBecomeAttributes) {
  const MountOptions options = options_of({"rbind", "rro", "rnosuid", "rdev"});
  EXPECT_EQ(options.recursive_set, std::uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
  EXPECT_EQ(options.recursive_clear, std::uint64_t{MOUNT_ATTR_NODEV});
  EXPECT_EQ(options.data, "");
}

TEST(MountOptions, ARecursiveAtimeWordClearsTheWholeField) {
  MountOptions options = options_of({"rnoatime"});
  EXPECT_EQ(options.recursive_set, std::uint64_t{MOUNT_ATTR_NOATIME});
  EXPECT_EQ(options.recursive_clear, std::uint64_t{MOUNT_ATTR__ATIME});
  options = options_of({"rnoatime", "rrelatime"});
  EXPECT_EQ(options.recursive_set, 0U);
  EXPECT_EQ(options.recursive_clear, std::uint64_t{MOUNT_ATTR__ATIME});
}

TEST(MountOptions, OfRecursiveContradictionsTheLaterWordHolds) {
  MountOptions options = options_of({"rro", "rrw"});
  EXPECT_EQ(options.recursive_set, 0U);
  EXPECT_EQ(options.recursive_clear, std::uint64_t{MOUNT_ATTR_RDONLY});
  options = options_of({"rrw", "rro"});
  EXPECT_EQ(options.recursive_set, std::uint64_t{MOUNT_ATTR_RDONLY});
  EXPECT_EQ(options.recursive_clear, 0U);
}

TEST(MountOptions, DefaultsAndCopyUpAreNoData) {
  const MountOptions options = options_of({"defaults", "tmpcopyup"});
  EXPECT_TRUE(options.copy_up);
  EXPECT_EQ(options.data, "");
}

TEST(MountOptions, EveryKnownWordIsTakenOutOfTheData) {
  const auto words = known_mount_options();
  EXPECT_TRUE(std::ranges::is_sorted(words));
  EXPECT_EQ(words.size(), 62U);
  for (const std::string_view word : words) {
    EXPECT_EQ(options_of({std::string(word)}).data, "") << word;
  }
}

TEST(PropagationFlags, AreKnownForPropagationWordsOnly) {
  EXPECT_EQ(propagation_flags("shared"), std::uint64_t{MS_SHARED});
  EXPECT_EQ(propagation_flags("runbindable"), std::uint64_t{MS_UNBINDABLE | MS_REC});
  EXPECT_EQ(propagation_flags("ro"), 0U);
  EXPECT_EQ(propagation_flags(""), 0U);
}

}  // namespace
}  // namespace minidocker::spec
