#include "minidocker/images_unpack/pack_layer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <initializer_list>

#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/testing/tree_description.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images_unpack {
namespace {

using minidocker::testing::describe_tree;
using minidocker::testing::in_sandbox;
using minidocker::testing::read_text;
using minidocker::testing::write_text;

const std::string kLower = "/tmp/lower";
const std::string kUpper = "/tmp/upper";

PackedLayer pack(const std::string& upper, const std::string& file,
                 Compression compression = Compression::none) {
  const UniqueFd fd = sys::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644).or_throw();
  const std::array<std::string, 1> lowers{kLower};
  return pack_layer(upper, lowers, fd.get(), compression);
}

void unpack(const std::string& file, const PackedLayer& layer, const std::string& directory) {
  make_dirs(directory);
  const UniqueFd fd = sys::open(file.c_str(), O_RDONLY).or_throw();
  ByteBudget budget(1U << 30U);
  const NoUmask no_umask;
  unpack_layer({fd.get(), "layer", layer.digest, layer.diff_id}, directory, budget);
}

void settle_times(const std::string& directory) {
  const struct timespec times[2] = {{1'600'000'000, 5}, {1'600'000'000, 5}};
  for (const std::string& path : minidocker::testing::files_below(directory)) {
    ::utimensat(AT_FDCWD, (directory + "/" + path).c_str(), times, AT_SYMLINK_NOFOLLOW);
  }
  ::utimensat(AT_FDCWD, directory.c_str(), times, 0);
}

// What an overlay's upper directory may hold; files made in the given order.
void make_upper(const std::string& upper, std::initializer_list<const char*> order) {
  make_dirs(upper + "/opaque");
  make_dirs(upper + "/dir");
  for (const char* name : order) write_text(upper + "/dir/" + name, std::string("file ") + name);
  write_text(upper + "/" + std::string(200, 'n'), std::string(300'000, 'x'));
  ASSERT_EQ(::link((upper + "/dir/a").c_str(), (upper + "/dir/hard").c_str()), 0);
  ASSERT_EQ(::symlink("dir/a", (upper + "/link").c_str()), 0);
  ASSERT_EQ(::mknod((upper + "/gone").c_str(), S_IFCHR, makedev(0, 0)), 0);
  ASSERT_EQ(::mknod((upper + "/tty").c_str(), S_IFCHR | 0620, makedev(5, 0)), 0);
  ASSERT_EQ(::mknod((upper + "/disk").c_str(), S_IFBLK | 0660, makedev(7, 300)), 0);
  ASSERT_EQ(::mkfifo((upper + "/pipe").c_str(), 0640), 0);
  ASSERT_EQ(::setxattr((upper + "/opaque").c_str(), "user.overlay.opaque", "y", 1, 0), 0);
  ASSERT_EQ(::setxattr((upper + "/dir/b").c_str(), "user.mine", "value", 5, 0), 0);
  ASSERT_EQ(::lchown((upper + "/dir/b").c_str(), 1000, 7), 0);
  ASSERT_EQ(::chmod((upper + "/dir/c").c_str(), 06755), 0);
  settle_times(upper);
}

void make_lower() {
  make_dirs(kLower + "/opaque");
  write_text(kLower + "/opaque/hidden", "");
  write_text(kLower + "/gone", "");
}

TEST(PackLayer, MakesAnArchiveThatUnpacksToTheSameDirectory) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_lower();
    make_upper(kUpper, {"a", "b", "c"});
    // The times of whiteouts and marks say nothing.
    auto before = describe_tree(kUpper);
    before.erase("gone");
    for (const Compression compression :
         {Compression::none, Compression::gzip, Compression::zstd}) {
      const PackedLayer layer = pack(kUpper, "/tmp/layer", compression);
      EXPECT_EQ(layer.digest, images::Digest::of(read_text("/tmp/layer")));
      EXPECT_EQ(layer.size, read_text("/tmp/layer").size());
      remove_tree("/tmp/copy");
      unpack("/tmp/layer", layer, "/tmp/copy");
      auto after = describe_tree("/tmp/copy");
      EXPECT_TRUE(after.at("gone").starts_with("20000 ")) << after.at("gone");
      after.erase("gone");
      EXPECT_EQ(after, before);
    }
  });
}

TEST(PackLayer, WritesTheSameBytesForTheSameContent) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_lower();
    make_upper(kUpper, {"a", "b", "c"});
    make_upper("/tmp/again", {"c", "a", "b"});
    for (const Compression compression :
         {Compression::none, Compression::gzip, Compression::zstd}) {
      const PackedLayer first = pack(kUpper, "/tmp/first", compression);
      const PackedLayer second = pack("/tmp/again", "/tmp/second", compression);
      EXPECT_EQ(first.digest, second.digest);
      EXPECT_EQ(first.diff_id, second.diff_id);
    }
  });
}

// The files of sysfs say 4096 bytes and hold a few.
TEST(PackLayer, NamesAFileThatIsShorterThanItWas) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_lower();
    try {
      (void)pack("/sys/kernel/cgroup", "/tmp/layer");
      FAIL() << "it was packed";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("became shorter"));
    }
  });
}

}  // namespace
}  // namespace minidocker::images_unpack
