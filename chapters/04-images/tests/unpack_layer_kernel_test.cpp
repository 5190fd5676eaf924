#include "minidocker/images_unpack/unpack_layer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "compressed_text.hpp"
#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "tar_builder.hpp"

namespace minidocker::images_unpack {
namespace {

using images::Digest;
using images::Owners;
using images_unpack::testing::gzip;
using images_unpack::testing::Member;
using images_unpack::testing::TarBuilder;
using minidocker::testing::files_below;
using minidocker::testing::in_sandbox;
using minidocker::testing::read_text;
using minidocker::testing::write_text;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kTarget = "/tmp/layer";

// Unpacks an archive, gzipped, into kTarget, which is made anew.
UnpackReport unpack(const std::string& archive, const UnpackOptions& options = {},
                    std::uint64_t max_bytes = 1U << 30U) {
  remove_tree(kTarget);
  make_dirs(kTarget);
  const std::string blob = gzip(archive);
  write_text("/tmp/blob", blob);
  const UniqueFd fd = sys::open("/tmp/blob", O_RDONLY).or_throw();
  ByteBudget budget(max_bytes);
  const NoUmask no_umask;
  return unpack_layer({fd.get(), "layer", Digest::of(blob), Digest::of(archive)}, kTarget, budget,
                      options);
}

// The message of the error that unpacking ends with.
std::string refusal_of(const TarBuilder& tar, const UnpackOptions& options = {},
                       std::uint64_t max_bytes = 1U << 30U) {
  try {
    unpack(tar.finish(), options, max_bytes);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return "";
}

struct stat stat_of(const std::string& name) {
  struct stat status{};
  EXPECT_EQ(::lstat((std::string(kTarget) + "/" + name).c_str(), &status), 0) << name;
  return status;
}

std::string content_of(const std::string& name) {
  return read_text(std::string(kTarget) + "/" + name);
}

std::string xattr_of(const std::string& name, const char* key) {
  char value[64];
  const ssize_t size =
      ::lgetxattr((std::string(kTarget) + "/" + name).c_str(), key, value, sizeof(value));
  return size < 0 ? "-" : std::string(value, static_cast<std::size_t>(size));
}

TEST(UnpackLayer, MakesFilesDirectoriesAndLinksWithTheirModesAndTimes) {
  MD_NEEDS("root");
  in_sandbox([] {
    const UnpackReport report = unpack(TarBuilder()
                                           .dir("./")
                                           .dir("bin", 0550)
                                           .add({.name = "bin/su", .content = "x", .mode = 04755})
                                           .add({.name = "bin/link", .type = '2', .link = "su"})
                                           .add({.name = "bin/hard", .type = '1', .link = "bin/su"})
                                           .add({.name = "tmp", .type = '5', .mode = 01777})
                                           .finish());
    EXPECT_EQ(report.entries, 6U);
    EXPECT_THAT(files_below(kTarget), ElementsAre("bin", "bin/hard", "bin/link", "bin/su", "tmp"));
    EXPECT_EQ(stat_of("bin").st_mode & 07777U, 0550U);
    EXPECT_EQ(stat_of("bin").st_mtim.tv_sec, 1);
    EXPECT_EQ(stat_of("bin/su").st_mode & 07777U, 04755U);
    EXPECT_EQ(stat_of("bin/su").st_mtim.tv_sec, 1);
    EXPECT_EQ(stat_of("bin/link").st_mtim.tv_sec, 1);
    EXPECT_EQ(stat_of("bin/hard").st_ino, stat_of("bin/su").st_ino);
    EXPECT_EQ(stat_of("tmp").st_mode & 07777U, 01777U);
  });
}

TEST(UnpackLayer, KeepsOwnersAndWhatChangingThemTakesAway) {
  MD_NEEDS("root");
  in_sandbox([] {
    unpack(TarBuilder()
               .add({.name = "file", .content = "x", .mode = 06755, .uid = 1000, .gid = 50})
               .add({.name = "dir", .type = '5', .mode = 02755, .uid = 7, .gid = 8})
               .add({.name = "dir/inside"})
               .add({.name = "link", .type = '2', .link = "x", .uid = 9, .gid = 9})
               .add({.name = "pipe", .type = '6', .mode = 01600, .uid = 3})
               .finish());
    EXPECT_EQ(stat_of("file").st_uid, 1000U);
    EXPECT_EQ(stat_of("file").st_gid, 50U);
    EXPECT_EQ(stat_of("file").st_mode & 07777U, 06755U);
    EXPECT_EQ(stat_of("dir").st_gid, 8U);
    EXPECT_EQ(stat_of("dir/inside").st_gid, 0U);
    EXPECT_EQ(stat_of("link").st_uid, 9U);
    EXPECT_TRUE(S_ISFIFO(stat_of("pipe").st_mode));
    EXPECT_EQ(stat_of("pipe").st_mode & 07777U, 01600U);
  });
}

TEST(UnpackLayer, MakesDevicesButNoneThatOverlayWouldTakeForAWhiteout) {
  MD_NEEDS("root");
  in_sandbox([] {
    unpack(TarBuilder().add({.name = "null", .type = '3', .major = 1, .minor = 3}).finish());
    EXPECT_EQ(stat_of("null").st_rdev, makedev(1, 3));
    unpack(TarBuilder().add({.name = "sda", .type = '4', .major = 8, .minor = 0}).finish());
    EXPECT_TRUE(S_ISBLK(stat_of("sda").st_mode));
    EXPECT_THAT(refusal_of(TarBuilder().add({.name = "gone", .type = '3'})), HasSubstr("whiteout"));
  });
}

TEST(UnpackLayer, TurnsWhiteoutsIntoOverlaysForm) {
  MD_NEEDS("root");
  in_sandbox([] {
    unpack(TarBuilder()
               .file("etc/.wh.passwd")
               .file("var/cache/.wh..wh..opq")
               .file("var/cache/new")
               .file(".wh..wh.plnk")
               .finish());
    EXPECT_TRUE(S_ISCHR(stat_of("etc/passwd").st_mode));
    EXPECT_EQ(stat_of("etc/passwd").st_rdev, 0U);
    EXPECT_EQ(xattr_of("var/cache", "user.overlay.opaque"), "y");
    EXPECT_EQ(content_of("var/cache/new"), "content");
    EXPECT_THAT(files_below(kTarget),
                ElementsAre("etc", "etc/passwd", "var", "var/cache", "var/cache/new"));
  });
}

TEST(UnpackLayer, LetsALayersOwnContentWinOverItsWhiteouts) {
  MD_NEEDS("root");
  in_sandbox([] {
    const TarBuilder before = TarBuilder().file(".wh.f").file("f", "new").file(".wh.d").dir("d");
    unpack(before.finish());
    EXPECT_EQ(content_of("f"), "new");
    EXPECT_EQ(xattr_of("d", "user.overlay.opaque"), "y");

    const TarBuilder after = TarBuilder()
                                 .file("f", "new")
                                 .file(".wh.f")
                                 .dir("d")
                                 .file("s/d/x")
                                 .file("s/.wh.d")
                                 .file(".wh.d");
    unpack(after.finish());
    EXPECT_EQ(content_of("f"), "new");
    EXPECT_EQ(xattr_of("d", "user.overlay.opaque"), "y");
    EXPECT_EQ(xattr_of("s/d", "user.overlay.opaque"), "y");
  });
}

TEST(UnpackLayer, TakesContentBelowANameThatItHidBefore) {
  MD_NEEDS("root");
  in_sandbox([] {
    unpack(
        TarBuilder().file(".wh.d").file("d/sub/file", "new").file("a/.wh.b").dir("a/b").finish());
    EXPECT_EQ(content_of("d/sub/file"), "new");
    EXPECT_EQ(xattr_of("d", "user.overlay.opaque"), "y");
    EXPECT_EQ(xattr_of("d/sub", "user.overlay.opaque"), "-");
    EXPECT_EQ(xattr_of("a/b", "user.overlay.opaque"), "y");
    EXPECT_EQ(stat_of("d").st_mode & 07777U, 0755U);
  });
}

TEST(UnpackLayer, PassesOverWhatAufsKeptForItself) {
  MD_NEEDS("root");
  in_sandbox([] {
    unpack(TarBuilder().dir(".wh..wh.plnk").file(".wh..wh.plnk/12.34").file("f").finish());
    EXPECT_THAT(files_below(kTarget), ElementsAre("f"));
  });
}

TEST(UnpackLayer, LinksToWhatStandsInTheLinksWay) {
  MD_NEEDS("root");
  in_sandbox([] {
    const Member self{.name = "f", .type = '1', .link = "f"};
    const Member by_another_name{.name = "d/f", .type = '1', .link = "real/f"};
    const Member above{.name = "top", .type = '1', .link = "top/below"};
    unpack(TarBuilder()
               .file("f", "itself")
               .add(self)
               .file("real/f", "once")
               .add({.name = "d", .type = '2', .link = "real"})
               .add(by_another_name)
               .file("top/below", "kept")
               .add(above)
               .file("old", "old")
               .file("new", "new")
               .add({.name = "old", .type = '1', .link = "new"})
               .finish());
    EXPECT_EQ(content_of("f"), "itself");
    EXPECT_EQ(content_of("real/f"), "once");
    EXPECT_EQ(content_of("top"), "kept");
    EXPECT_EQ(stat_of("old").st_ino, stat_of("new").st_ino);
    EXPECT_THAT(files_below(kTarget), ElementsAre("d", "f", "new", "old", "real", "real/f", "top"));
  });
}

TEST(UnpackLayer, ReplacesEarlierMembersOfTheSameName) {
  MD_NEEDS("root");
  in_sandbox([] {
    unpack(TarBuilder()
               .file("a", "old")
               .file("a", "new")
               .dir("d", 0700)
               .dir("d/sub")
               .file("d/sub/file")
               .file("d", "now a file")
               .file("e", "a file")
               .dir("e", 0711)
               .dir("f", 0700)
               .dir("f", 0711)
               .finish());
    EXPECT_EQ(content_of("a"), "new");
    EXPECT_EQ(content_of("d"), "now a file");
    EXPECT_EQ(stat_of("e").st_mode & 07777U, 0711U);
    EXPECT_EQ(stat_of("f").st_mode & 07777U, 0711U);
  });
}

TEST(UnpackLayer, TakesAttributesOverButNeverOverlaysOwn) {
  MD_NEEDS("root");
  in_sandbox([] {
    const std::string capability("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    const UnpackReport report = unpack(TarBuilder()
                                           .pax("SCHILY.xattr.user.mime", "text")
                                           .file("file")
                                           .pax("SCHILY.xattr.security.capability", capability)
                                           .file("ping")
                                           .pax("SCHILY.xattr.user.overlay.redirect", "/etc")
                                           .dir("dir")
                                           .pax("SCHILY.xattr.trusted.overlay.opaque", "y")
                                           .dir("other")
                                           .pax("SCHILY.xattr.user.on-link", "x")
                                           .add({.name = "link", .type = '2', .link = "file"})
                                           .finish());
    EXPECT_EQ(xattr_of("file", "user.mime"), "text");
    EXPECT_EQ(xattr_of("ping", "security.capability"), capability);
    EXPECT_EQ(xattr_of("dir", "user.overlay.redirect"), "-");
    EXPECT_EQ(xattr_of("other", "trusted.overlay.opaque"), "-");
    EXPECT_THAT(report.lost_xattrs,
                ElementsAre(std::pair("trusted.overlay.opaque", 1U), std::pair("user.on-link", 1U),
                            std::pair("user.overlay.redirect", 1U)));
    EXPECT_THAT(refusal_of(TarBuilder()
                               .pax("SCHILY.xattr.nonsense", "x")
                               .pax("SCHILY.xattr.user." + std::string(300, 'n'), "x")
                               .file("f")),
                HasSubstr("f: user.nnn"));
  });
}

TEST(UnpackLayer, TellsOfRecordsThatItDoesNotTakeOver) {
  MD_NEEDS("root");
  in_sandbox([] {
    const UnpackReport report = unpack(TarBuilder()
                                           .pax("SCHILY.acl.access", "user::rwx,user:7:r--")
                                           .pax("RHT.security.selinux", "system_u:object_r")
                                           .pax("uname", "root")
                                           .pax("SCHILY.xattr.user.both", "x")
                                           .pax("LIBARCHIVE.xattr.user.both", "eA")
                                           .pax("LIBARCHIVE.xattr.user.one", "eA")
                                           .file("f")
                                           .finish());
    EXPECT_THAT(report.lost_xattrs, ElementsAre(std::pair("LIBARCHIVE.xattr.user.one", 1U),
                                                std::pair("RHT.security.selinux", 1U),
                                                std::pair("SCHILY.acl.access", 1U)));
    EXPECT_EQ(xattr_of("f", "user.both"), "x");
  });
}

TEST(UnpackLayer, FollowsSymlinksThatStayInside) {
  MD_NEEDS("root");
  in_sandbox([] {
    unpack(TarBuilder()
               .dir("usr/lib")
               .add({.name = "lib", .type = '2', .link = "usr/lib"})
               .file("lib/libc.so")
               .dir("lib/sub", 0711)
               .finish());
    EXPECT_EQ(content_of("usr/lib/libc.so"), "content");
    EXPECT_EQ(stat_of("usr/lib/sub").st_mode & 07777U, 0711U);
  });
}

// --- hostile archives ------------------------------------------------------------------------

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
    // A directory whose times come last must not be another one by then.
    unpack(TarBuilder().dir("d", 0700).add(link("d", "/tmp/outside")).finish());
    EXPECT_NE(stat_of("../outside").st_mtim.tv_sec, 1);
    unpack(TarBuilder().add(link("l", "/tmp/outside/victim")).add(hard("h", "l")).finish());
    EXPECT_TRUE(S_ISLNK(stat_of("h").st_mode));
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

// --- ordinary users --------------------------------------------------------------------------

// Runs `body` as an ordinary user outside of any user namespace.
void as_user(const std::function<void()>& body) {
  in_sandbox(body, {.flags = CLONE_NEWNS, .as_user = true});
}

TEST(UnpackLayerAsUser, UnpacksWhatBelongsToRootAndMakesWhiteouts) {
  MD_NEEDS("root", "user");
  as_user([] {
    const UnpackReport report =
        unpack(TarBuilder().dir("locked", 0).file("locked/f").file(".wh.gone").finish());
    EXPECT_EQ(report.squashed, 0U);
    EXPECT_EQ(stat_of("gone").st_rdev, 0U);
    EXPECT_EQ(stat_of("locked").st_mode & 07777U, 0U);
    EXPECT_EQ(stat_of("locked").st_uid, ::geteuid());
  });
}

TEST(UnpackLayerAsUser, NamesSubordinateIdsWhereOwnersCannotBeKept) {
  MD_NEEDS("root", "user");
  as_user([] {
    const TarBuilder tar =
        TarBuilder().add({.name = "home", .type = '5', .uid = 4711, .gid = 4711});
    EXPECT_THAT(refusal_of(tar), HasSubstr("\"home\" belongs to 4711:4711"));
    EXPECT_THAT(refusal_of(tar), HasSubstr("subordinate ids"));
    EXPECT_EQ(unpack(tar.finish(), {.owners = Owners::squash}).squashed, 1U);
    EXPECT_EQ(stat_of("home").st_uid, ::geteuid());
  });
}

TEST(UnpackLayerAsUser, GivesAttributesToWhatItsOwnerMayNotWrite) {
  MD_NEEDS("root", "user");
  as_user([] {
    const UnpackReport report =
        unpack(TarBuilder()
                   .pax("SCHILY.xattr.user.mime", "text")
                   .add({.name = "file", .content = "x", .mode = 0444})
                   .pax("SCHILY.xattr.user.mime", "dir")
                   .add({.name = "dir", .type = '5', .mode = 0555})
                   .add({.name = "dir/inside", .content = "x", .mode = 0400})
                   .finish());
    EXPECT_TRUE(report.lost_xattrs.empty());
    EXPECT_EQ(xattr_of("file", "user.mime"), "text");
    EXPECT_EQ(stat_of("file").st_mode & 07777U, 0444U);
    EXPECT_EQ(xattr_of("dir", "user.mime"), "dir");
    EXPECT_EQ(stat_of("dir").st_mode & 07777U, 0555U);
  });
}

TEST(UnpackLayerAsUser, SaysThatDevicesNeedRoot) {
  MD_NEEDS("root", "user");
  as_user([] {
    EXPECT_THAT(refusal_of(TarBuilder().add({.name = "null", .type = '3', .major = 1, .minor = 3})),
                HasSubstr("devices can only be made by root"));
  });
}

}  // namespace
}  // namespace minidocker::images_unpack
