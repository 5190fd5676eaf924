/// \file
/// Layers that want out of their directory, or want its owner's memory and time.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <string>
#include <utility>

#include "compressed_text.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "tar_builder.hpp"
#include "unpacked_layer.hpp"

namespace minidocker::images_unpack {
namespace {

using images::Digest;
using images_unpack::testing::content_of;
using images_unpack::testing::gzip;
using images_unpack::testing::kTarget;
using images_unpack::testing::Member;
using images_unpack::testing::refusal_of;
using images_unpack::testing::stat_of;
using images_unpack::testing::TarBuilder;
using images_unpack::testing::unpack;
using minidocker::testing::files_below;
using minidocker::testing::in_sandbox;
using minidocker::testing::read_text;
using minidocker::testing::write_text;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Each tries to make /tmp/outside/climbed or to change /tmp/outside/victim.
class HostileLayer : public ::testing::Test {
 protected:
  static void expect_refused(const TarBuilder& tar, const std::string& why) {
    MD_NEEDS("root");
    in_sandbox([&] {
      make_dirs("/tmp/outside");
      write_text("/tmp/outside/victim", "untouched");
      EXPECT_THAT(refusal_of(tar), HasSubstr(why));
      EXPECT_THAT(files_below("/tmp/outside"), ElementsAre("victim"));
      EXPECT_EQ(read_text("/tmp/outside/victim"), "untouched");
    });
  }
  static Member link(const std::string& name, const std::string& target) {
    return {.name = name, .type = '2', .link = target};
  }
  static Member hard(const std::string& name, const std::string& target) {
    return {.name = name, .type = '1', .link = target};
  }
};

TEST_F(HostileLayer, CannotClimbByDotDot) {
  expect_refused(TarBuilder().file("../outside/climbed"), "\"../outside/climbed\": it climbs by");
  expect_refused(TarBuilder().dir("a").file("a/../../outside/climbed"), "it climbs by");
  expect_refused(TarBuilder().dir(".."), "it climbs by");
  expect_refused(TarBuilder().file("../outside/.wh.victim"), "it climbs by");
}

TEST_F(HostileLayer, CannotClimbByAnAbsolutePath) {
  expect_refused(TarBuilder().file("/tmp/outside/climbed"), "its path is absolute");
  expect_refused(TarBuilder().pax("path", "/tmp/outside/climbed").file("x"),
                 "its path is absolute");
}

TEST_F(HostileLayer, CannotClimbThroughASymlink) {
  expect_refused(TarBuilder().add(link("escape", "/tmp/outside")).file("escape/climbed"),
                 "\"escape\": it climbs out of the layer through a symlink");
  expect_refused(TarBuilder().add(link("escape", "../outside")).file("escape/climbed"),
                 "through a symlink");
  expect_refused(TarBuilder().dir("a").add(link("a/up", "../..")).file("a/up/outside/climbed"),
                 "through a symlink");
  expect_refused(TarBuilder().add(link("escape", "/tmp/outside")).file("escape/.wh..wh..opq"),
                 "through a symlink");
  expect_refused(TarBuilder().add(link("escape", "/tmp/outside")).file("escape/.wh.victim"),
                 "through a symlink");
}

TEST_F(HostileLayer, CannotClimbByAHardLink) {
  expect_refused(TarBuilder().add(hard("victim", "../outside/victim")).file("victim", "stolen"),
                 "it is a hard link to \"../outside/victim\": it climbs by");
  expect_refused(TarBuilder().add(hard("victim", "/tmp/outside/victim")), "its path is absolute");
  expect_refused(TarBuilder().add(link("out", "/tmp/outside")).add(hard("v", "out/victim")),
                 "through a symlink");
  expect_refused(TarBuilder().add(hard("v", "not/there")), "which is not in this layer");
  expect_refused(TarBuilder().add(hard("v", ".")), "that is the layer itself");
}

TEST_F(HostileLayer, CannotWriteThroughALinkOfTheMembersOwnName) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_dirs("/tmp/outside");
    write_text("/tmp/outside/victim", "untouched");
    unpack(TarBuilder().add(link("f", "/tmp/outside/victim")).file("f", "mine").finish());
    EXPECT_EQ(read_text("/tmp/outside/victim"), "untouched");
    EXPECT_EQ(content_of("f"), "mine");
    // An empty file is made by another call.
    unpack(TarBuilder().add(link("f", "/tmp/outside/climbed")).file("f", "").finish());
    EXPECT_TRUE(S_ISREG(stat_of("f").st_mode));
    EXPECT_THAT(files_below("/tmp/outside"), ElementsAre("victim"));
    // A directory whose times come last must not be another one by then.
    unpack(TarBuilder().dir("d", 0700).add(link("d", "/tmp/outside")).finish());
    EXPECT_NE(stat_of("../outside").st_mtim.tv_sec, 1);
    unpack(TarBuilder().add(link("l", "/tmp/outside/victim")).add(hard("h", "l")).finish());
    EXPECT_TRUE(S_ISLNK(stat_of("h").st_mode));
  });
}

TEST_F(HostileLayer, CannotClimbByADirectoryThatBecameALink) {
  // The directory was opened and remembered before.
  const TarBuilder remembered = TarBuilder().dir("d").file("d/x");
  expect_refused(TarBuilder(remembered).add(link("d", "/tmp/outside")).file("d/climbed"),
                 "through a symlink");
  expect_refused(
      TarBuilder(remembered).add(link("l", "/tmp/outside")).add(hard("d", "l")).file("d/climbed"),
      "through a symlink");
  expect_refused(TarBuilder(remembered).add(link("d", "/tmp/outside")).add(hard("d/victim", "x")),
                 "through a symlink");
}

TEST_F(HostileLayer, CannotClimbByLinksToLinks) {
  TarBuilder chain = TarBuilder().add(link("0", "/tmp/outside"));
  for (int i = 1; i < 20; ++i) chain.add(link(std::to_string(i), std::to_string(i - 1)));
  expect_refused(chain.file("19/climbed"), "through a symlink");
  expect_refused(TarBuilder()
                     .dir("a/b")
                     .add(link("a/b/up", "../.."))
                     .add(link("out", "a/b/up/../outside"))
                     .file("out/climbed"),
                 "through a symlink");
  expect_refused(TarBuilder().add(link("root", "/")).file("root/tmp/outside/climbed"),
                 "through a symlink");
  expect_refused(TarBuilder().add(link("p", "/proc/self/cwd")).file("p/climbed"),
                 "through a symlink");
  TarBuilder longest;
  for (int i = 0; i < 50; ++i) longest.add(link(std::to_string(i), std::to_string(i + 1)));
  expect_refused(longest.dir("50").file("0/x"), "circle");
}

TEST_F(HostileLayer, CannotClimbHoweverItsNamesAreSpelled) {
  for (const char* name : {"./../outside/climbed", "a/b/../../../outside/climbed", "..//climbed",
                           ".//./..//outside/climbed", "a/..", "../"}) {
    expect_refused(TarBuilder().file(name), "it climbs by");
    expect_refused(TarBuilder().pax("path", name).file("x"), "it climbs by");
    expect_refused(TarBuilder().add({.name = "L", .type = 'L', .content = name}).file("x"),
                   "it climbs by");
  }
}

TEST_F(HostileLayer, EndsInWholeFilesOrAnErrorWhereverItIsCut) {
  MD_NEEDS("root");
  in_sandbox([] {
    const std::string content(1500, 'c');
    const std::string archive = TarBuilder()
                                    .dir("d")
                                    .file("d/a", content)
                                    .pax("path", "d/" + std::string(200, 'n'))
                                    .file("x", content)
                                    .add({.name = "d/link", .type = '2', .link = "a"})
                                    .file("d/.wh.gone")
                                    .file("b", content)
                                    .finish();
    int whole = 0;
    for (std::size_t size = 0; size < archive.size(); size += 256) {
      try {
        unpack(archive.substr(0, size));
        ++whole;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::invalid_argument) << error.what();
        continue;
      }
      for (const std::string& name : files_below(kTarget)) {
        if (S_ISREG(stat_of(name).st_mode)) {
          EXPECT_EQ(content_of(name), content) << size;
        }
      }
    }
    // Between two members, within the zeros behind the whiteout's short content, and after either
    // block of the end.
    EXPECT_EQ(whole, 10);
  });
}

TEST_F(HostileLayer, IsToldWhatIsWrongWithIt) {
  expect_refused(TarBuilder().file("file").file("file/below"), "a file stands where it needs");
  expect_refused(TarBuilder().add(link("a", "b")).add(link("b", "a")).file("a/x"), "circle");
  expect_refused(TarBuilder().add(link("a", "nowhere")).file("a/x"), "symlink to nowhere");
  expect_refused(TarBuilder().file("."), "it has no name");
  expect_refused(TarBuilder().file(".wh.."), "whiteout of no name");
  expect_refused(TarBuilder().file("a/.wh.b/c"), "\"a/.wh.b/c\": it lies in a whiteout");
  expect_refused(TarBuilder().add(hard("f", "f")), "which is not in this layer");
  expect_refused(TarBuilder().add(link("l", "")), "symlink without a target");
  expect_refused(TarBuilder().pax("path", std::string(5000, 'x')).file("x"), "longer than 4095");
  expect_refused(
      TarBuilder().file("dir/" + std::string(90, 'x')).pax("path", std::string(300, 'x')).file("x"),
      "file name too long");
}

TEST_F(HostileLayer, IsBoundedInMembersAndBytes) {
  MD_NEEDS("root");
  in_sandbox([] {
    EXPECT_THAT(refusal_of(TarBuilder().file("a").file("b"), {.max_entries = 1}),
                HasSubstr("more than 1 members"));
    EXPECT_THAT(refusal_of(TarBuilder().file("a"), {}, 100), HasSubstr("more than 100 bytes"));
  });
}

TEST_F(HostileLayer, MustHashToWhatItsImageSays) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_dirs(kTarget);
    const std::string archive = TarBuilder().file("a").finish();
    write_text("/tmp/blob", gzip(archive));
    const auto message = [](std::optional<Digest> digest, const Digest& diff_id) -> std::string {
      const UniqueFd fd = sys::open("/tmp/blob", O_RDONLY).or_throw();
      remove_tree(kTarget);
      make_dirs(kTarget);
      try {
        ByteBudget budget(1U << 20U);
        unpack_layer({fd.get(), "layer x", std::move(digest), diff_id}, kTarget, budget);
      } catch (const Error& error) {
        return error.what();
      }
      return "";
    };
    EXPECT_EQ(message({}, Digest::of(archive)), "");
    EXPECT_THAT(message({}, Digest::of("else")), HasSubstr("layer x: unpacked it has digest"));
    EXPECT_THAT(message(Digest::of("else"), Digest::of(archive)),
                HasSubstr("layer x: its content has digest"));
  });
}

}  // namespace
}  // namespace minidocker::images_unpack
