#include "minidocker/unionfs/layer_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "layers.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/unionfs/export.hpp"
#include "minidocker/unionfs/whiteout.hpp"

namespace minidocker::unionfs {
namespace {

using minidocker::testing::find_text;
using minidocker::testing::in_sandbox;
using minidocker::testing::write_text;
using ::testing::HasSubstr;
using unionfs::testing::kMerged;
using unionfs::testing::Mounted;
using Names = std::vector<std::string>;

LayerEntry file(const std::string& path) {
  LayerEntry entry;
  entry.path = path;
  entry.mode = 0644;
  return entry;
}

LayerEntry directory(const std::string& path) {
  LayerEntry entry = file(path);
  entry.type = EntryType::directory;
  entry.mode = 0755;
  return entry;
}

// Applies entries to /tmp/tree, in which /old/file and /old/other were before.
void apply(LayerForm form, const std::vector<LayerEntry>& entries) {
  make_dirs("/tmp/tree");
  if (form == LayerForm::plain) {
    make_dirs("/tmp/tree/old");
    write_text("/tmp/tree/old/file", "");
    write_text("/tmp/tree/old/other", "");
  }
  LayerWriter writer("/tmp/tree", form);
  for (const LayerEntry& entry : entries) writer.add(entry);
  writer.finish();
}

std::string refusal_of(const LayerEntry& entry) {
  try {
    apply(LayerForm::plain, {entry});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    return error.what();
  }
  return "taken";
}

TEST(LayerWriter, RemovesFromAPlainTreeWhatIsGone) {
  MD_NEEDS("root");
  in_sandbox([] {
    apply(LayerForm::plain, {directory("old"), file("old/.wh.file")});
    EXPECT_EQ(list_dir("/tmp/tree/old"), Names{"other"});
  });
}

TEST(LayerWriter, KeepsWhatTheLayerItselfMakesWhereverTheMarkStands) {
  MD_NEEDS("root");
  in_sandbox([] {
    apply(LayerForm::plain, {directory("old"), file("old/new"), directory("old/dir"),
                             file("old/.wh..wh..opq"), file("old/.wh.new")});
    EXPECT_EQ(list_dir("/tmp/tree/old"), (Names{"dir", "new"}));
  });
}

TEST(LayerWriter, MarksForAnOverlayWhatIsGone) {
  MD_NEEDS("root");
  in_sandbox([] {
    apply(LayerForm::overlay, {directory("a"), file("a/.wh.gone"), directory("b"),
                               file("b/.wh..wh..opq"), directory("c"), file(".wh.c")});
    struct stat status{};
    ASSERT_EQ(::lstat("/tmp/tree/a/gone", &status), 0);
    EXPECT_TRUE(is_whiteout(status));
    for (const char* path : {"/tmp/tree/b", "/tmp/tree/c"}) {
      EXPECT_EQ(::getxattr(path, kOpaqueXattr, nullptr, 0), 1) << path;
    }
  });
}

TEST(LayerWriter, ReplacesALinkInsteadOfFollowingIt) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_dirs("/tmp/outside");
    make_dirs("/tmp/tree");
    ASSERT_EQ(::symlink("/tmp/outside", "/tmp/tree/link"), 0);
    apply(LayerForm::plain, {directory("link"), file("link/file")});
    EXPECT_TRUE(find_text("/tmp/tree/link/file"));
    EXPECT_TRUE(list_dir("/tmp/outside").empty());
    ASSERT_EQ(::symlink("/tmp/outside", "/tmp/tree/second"), 0);
    EXPECT_THROW(apply(LayerForm::plain, {file("second/file")}), SystemError);
    EXPECT_TRUE(list_dir("/tmp/outside").empty());
  });
}

TEST(LayerWriter, RefusesWhatNoLayerCanMean) {
  MD_NEEDS("root");
  in_sandbox([] {
    for (const char* path : {"../x", "a/../x", "/x", "a//b", "./x", "a/"}) {
      EXPECT_THAT(refusal_of(file(path)), HasSubstr("no path within the layer")) << path;
    }
    EXPECT_THAT(refusal_of(file(".wh...")), HasSubstr("a whiteout of no name"));
    EXPECT_THAT(refusal_of(file("")), HasSubstr("the top must be a directory"));
    LayerEntry link = file("link");
    link.type = EntryType::hard_link;
    link.link = "old/file";
    EXPECT_THAT(refusal_of(link), HasSubstr("a link to what is not in this layer"));
    LayerEntry hostile = file("hostile");
    hostile.xattrs["user.overlay.redirect"] = "/etc";
    EXPECT_THAT(refusal_of(hostile), HasSubstr("user.overlay.redirect is overlay's own"));
    LayerEntry cut = file("cut");
    cut.size = 10;
    const UniqueFd empty = sys::open("/dev/null", O_RDONLY).or_throw();
    cut.content = empty.get();
    EXPECT_THAT(refusal_of(cut), HasSubstr("10 bytes of its content are missing"));
  });
}

TEST(Export, RefusesANameThatWouldMeanSomethingElse) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_dirs("/tmp/upper");
    make_dirs("/tmp/tree");
    write_text("/tmp/upper/.wh.passwd", "");
    LayerWriter writer("/tmp/tree", LayerForm::overlay);
    try {
      export_layer("/tmp/upper", {}, writer);
      ADD_FAILURE() << "exported";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("\"/.wh.passwd\": in a layer this name would mean"));
    }
  });
}

// Exports /tmp/upper, which lies on `lowers`, and writes it to /tmp/tree.
void travel(const Names& lowers, LayerForm form) {
  make_dirs("/tmp/tree");
  LayerWriter writer("/tmp/tree", form);
  export_layer("/tmp/upper", lowers, writer);
  writer.finish();
}

TEST(Export, CarriesEveryByteThatANameCanHold) {
  MD_NEEDS("root");
  in_sandbox([] {
    make_dirs("/tmp/upper");
    for (int byte = 1; byte < 256; ++byte) {
      const char name[] = {'x', static_cast<char>(byte), '\0'};
      if (byte != '/') write_text(std::string("/tmp/upper/") + name, "");
    }
    travel({}, LayerForm::overlay);
    EXPECT_EQ(list_dir("/tmp/tree"), list_dir("/tmp/upper"));
    EXPECT_EQ(list_dir("/tmp/tree").size(), 254U);
  });
}

TEST(Export, CarriesPathsLongerThanACallTakes) {
  MD_NEEDS("root");
  in_sandbox([] {
    const std::string name(250, 'd');
    make_dirs("/tmp/upper");
    ASSERT_EQ(::chdir("/tmp/upper"), 0);
    for (int level = 0; level < 20; ++level) {
      ASSERT_EQ(::mkdir(name.c_str(), 0755), 0);
      ASSERT_EQ(::chdir(name.c_str()), 0);
    }
    write_text("file", "5,000 bytes below");
    ASSERT_EQ(::setxattr("file", "user.note", "x", 1, 0), 0);
    travel({}, LayerForm::plain);
    ASSERT_EQ(::chdir("/tmp/tree"), 0);
    for (int level = 0; level < 20; ++level) ASSERT_EQ(::chdir(name.c_str()), 0) << level;
    EXPECT_EQ(find_text("file"), "5,000 bytes below");
    EXPECT_EQ(::getxattr("file", "user.note", nullptr, 0), 1);
    ASSERT_EQ(::chdir("/"), 0);
  });
}

// /file and /dir are there in the lowest layer, gone in the one above, and made anew.
TEST(Export, OfWhatCoversAWhiteoutHidesWhatIsBelowThat) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    const Names lowers = {"/tmp/top", "/tmp/low"};
    make_dirs("/tmp/low/dir/old");
    write_text("/tmp/low/file", "old");
    make_dirs("/tmp/top");
    const UniqueFd top = sys::open("/tmp/top", O_RDONLY | O_DIRECTORY).or_throw();
    for (const char* name : {"dir", "file"}) ASSERT_TRUE(make_whiteout(top.get(), name).ok());
    {
      const Mounted mounted(lowers, "/tmp/upper");
      write_text("/tmp/merged/file", "new");
      make_dirs("/tmp/merged/dir/new");
    }
    travel(lowers, LayerForm::overlay);
    const Mounted mounted({"/tmp/tree", "/tmp/top", "/tmp/low"}, "");
    EXPECT_EQ(find_text("/tmp/merged/file"), "new");
    EXPECT_EQ(list_dir("/tmp/merged/dir"), Names{"new"});
  });
}

// A container may write whatever attributes it likes; as a layer it must not mean anything.
TEST(Export, LeavesMarksOfOverlayThatAContainerMadeBehind) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    make_dirs("/tmp/low/dir");
    write_text("/tmp/low/dir/file", "");
    const Names lowers = {"/tmp/low"};
    {
      const Mounted mounted(lowers, "/tmp/upper");
      for (const char* mark : {"user.overlay.opaque", "trusted.overlay.opaque"}) {
        (void)::setxattr("/tmp/merged/dir", mark, "y", 1, 0);
      }
      write_text("/tmp/merged/dir/new", "");
    }
    travel(lowers, LayerForm::overlay);
    const Mounted mounted({"/tmp/tree", "/tmp/low"}, "");
    EXPECT_EQ(list_dir("/tmp/merged/dir"), (Names{"file", "new"}));
    for (const char* mark : {"user.overlay.opaque", "trusted.overlay.opaque"}) {
      EXPECT_EQ(::getxattr("/tmp/tree/dir", mark, nullptr, 0), -1) << mark;
    }
  });
}

TEST(Export, CarriesSetUserIdBitsCapabilitiesAndDevices) {
  MD_NEEDS("root", "overlay");
  in_sandbox([] {
    make_dirs("/tmp/low");
    const std::vector<std::string> lowers = {"/tmp/low"};
    // cap_net_raw=ep, version 2.
    const std::string capability("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    {
      const Mounted mounted(lowers, "/tmp/upper");
      for (const char* name : {"/tmp/merged/suid", "/tmp/merged/ping"}) write_text(name, "#!");
      ASSERT_EQ(::chown("/tmp/merged/suid", 5, 6), 0);
      ASSERT_EQ(::chmod("/tmp/merged/suid", 06755), 0);
      ASSERT_EQ(::setxattr("/tmp/merged/ping", "security.capability", capability.data(),
                           capability.size(), 0),
                0);
      ASSERT_EQ(::mknod("/tmp/merged/null", S_IFCHR | 0666, 0x103), 0);
    }
    make_dirs("/tmp/tree");
    LayerWriter writer("/tmp/tree", LayerForm::plain);
    export_layer("/tmp/upper", lowers, writer);
    writer.finish();
    struct stat status{};
    ASSERT_EQ(::stat("/tmp/tree/suid", &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 06755U);
    EXPECT_EQ(status.st_uid, 5U);
    EXPECT_EQ(::getxattr("/tmp/tree/ping", "security.capability", nullptr, 0), 20);
    ASSERT_EQ(::stat("/tmp/tree/null", &status), 0);
    EXPECT_EQ(status.st_rdev, 0x103U);
  });
}

}  // namespace
}  // namespace minidocker::unionfs
