#include "minidocker/unionfs/whiteout.hpp"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace minidocker::unionfs {
namespace {

TEST(ArchiveName, OrdinaryNamesMeanNothing) {
  for (const char* name : {"passwd", ".whatever", "x.wh.y", "", "."}) {
    EXPECT_EQ(classify_archive_name(name).mark, ArchiveMark::none) << name;
  }
}

TEST(ArchiveName, AWhiteoutNamesWhatIsGone) {
  EXPECT_EQ(classify_archive_name(".wh.passwd").mark, ArchiveMark::whiteout);
  EXPECT_EQ(classify_archive_name(".wh.passwd").hides, "passwd");
  EXPECT_EQ(classify_archive_name(".wh..hidden").hides, ".hidden");
}

TEST(ArchiveName, TheOpaqueMarkHidesAllOfTheDirectory) {
  EXPECT_EQ(classify_archive_name(".wh..wh..opq").mark, ArchiveMark::opaque);
}

TEST(ArchiveName, BookkeepingOfAufsIsIgnored) {
  for (const char* name : {".wh..wh.plnk", ".wh..wh.aufs", ".wh..wh.orph"}) {
    EXPECT_EQ(classify_archive_name(name).mark, ArchiveMark::ignored) << name;
  }
}

TEST(ArchiveName, WhiteoutsOfTheDirectoryItselfAreInvalid) {
  for (const char* name : {".wh.", ".wh..", ".wh..."}) {
    EXPECT_EQ(classify_archive_name(name).mark, ArchiveMark::invalid) << name;
  }
}

TEST(OverlayXattr, BothFamiliesAreOverlaysOwn) {
  EXPECT_TRUE(is_overlay_xattr("user.overlay.opaque"));
  EXPECT_TRUE(is_overlay_xattr("trusted.overlay.redirect"));
  EXPECT_FALSE(is_overlay_xattr("user.mime"));
  EXPECT_FALSE(is_overlay_xattr("security.capability"));
}

TEST(Whiteout, IsACharacterDeviceOfZeroAndZero) {
  struct stat status{};
  status.st_mode = S_IFCHR | 0600;
  EXPECT_TRUE(is_whiteout(status));
  status.st_rdev = makedev(1, 3);
  EXPECT_FALSE(is_whiteout(status));
  status = {};
  status.st_mode = S_IFBLK;
  EXPECT_FALSE(is_whiteout(status));
}

}  // namespace
}  // namespace minidocker::unionfs
