#include "minidocker/images_unpack/unpack_layer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <functional>
#include <utility>
#include <vector>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "tar_builder.hpp"
#include "unpacked_layer.hpp"

namespace minidocker::images_unpack {
namespace {

using images::Owners;
using images_unpack::testing::content_of;
using images_unpack::testing::kTarget;
using images_unpack::testing::Member;
using images_unpack::testing::refusal_of;
using images_unpack::testing::stat_of;
using images_unpack::testing::TarBuilder;
using images_unpack::testing::unpack;
using images_unpack::testing::xattr_of;
using minidocker::testing::files_below;
using minidocker::testing::in_sandbox;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

TEST(UnpackLayer, TakesNamesAsBytes) {
  MD_NEEDS("root");
  in_sandbox([] {
    // Case, composed and decomposed accents, what is no UTF-8, blanks, and what only looks bad.
    const std::vector<std::string> names = {
        "FILE", "File", "\xc3\xa9", "e\xcc\x81", "\xff\xfe", " ",     "file ", "..a",
        "...",  "a\nb", "\x01",     "..\\..\\x", ".wh",      "-rf *", "%s",    "~"};
    TarBuilder tar;
    for (const std::string& name : names) tar.file(name, "I am " + name);
    unpack(tar.finish());
    for (const std::string& name : names) EXPECT_EQ(content_of(name), "I am " + name);
    EXPECT_EQ(files_below(kTarget).size(), names.size());
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
