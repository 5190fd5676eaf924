#include "minidocker/images/store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include "minidocker/images/blob_lease.hpp"
#include "minidocker/images/layer_store.hpp"
#include "minidocker/images/workspace.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "minidocker/unionfs/whiteout.hpp"

namespace minidocker::images {
namespace {

using minidocker::testing::files_below;
using minidocker::testing::find_text;
using minidocker::testing::write_text;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class StoreTest : public ::testing::Test {
 protected:
  // Puts an image with one layer, different for each `seed`, into the store.
  Descriptor put_image(const std::string& seed, const std::vector<std::string>& names) {
    const StoreLock lock = store_.lock();
    const std::string config = fmt::format(R"({{"created":"{}","rootfs":{{"diff_ids":["{}"]}}}})",
                                           seed, Digest::of(seed).str());
    const Digest config_digest = store_.put_blob(lock, config);
    const Digest layer = store_.put_blob(lock, seed);
    const std::string manifest = to_json(
        Manifest{{kOciConfig, config_digest, config.size()}, {{kOciLayer, layer, seed.size()}}});
    Descriptor descriptor{kOciManifest, store_.put_blob(lock, manifest), manifest.size()};
    std::vector<ImageName> parsed;
    for (const std::string& name : names) parsed.push_back(ImageName::parse(name));
    store_.add_image(lock, descriptor, parsed);
    return descriptor;
  }

  template <class Body>
  static std::string error_of(Body body) {
    try {
      static_cast<void>(body());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TempDir dir_;
  Store store_ = Store::open(dir_ / "store");
};

TEST_F(StoreTest, IsAnOciLayoutFromTheBeginning) {
  EXPECT_EQ(find_text(dir_ / "store/oci-layout"), R"({"imageLayoutVersion":"1.0.0"})");
  EXPECT_TRUE(store_.images().empty());
  EXPECT_EQ(Store::open(dir_ / "store").dir(), store_.dir());
}

TEST_F(StoreTest, RefusesALayoutOfAnotherVersion) {
  write_text(dir_ / "store/oci-layout", R"({"imageLayoutVersion":"2.0.0"})");
  EXPECT_THAT(error_of([&] { return Store::open(dir_ / "store"); }), HasSubstr("must be 1.x"));
}

TEST_F(StoreTest, ListsImagesWithTheirNamesAndSizes) {
  put_image("one", {"b", "a:1"});
  const std::vector<Image> images = store_.images();
  ASSERT_THAT(images, SizeIs(1));
  EXPECT_THAT(images[0].names, ElementsAre(ImageName::parse("a:1"), ImageName::parse("b")));
  EXPECT_EQ(images[0].size, store_.manifest_of(images[0]).config.size + 3);
  EXPECT_THAT(store_.config_of(images[0]).diff_ids, ElementsAre(Digest::of("one")));
}

TEST_F(StoreTest, FindsImagesByNameIdAndBeginningOfTheId) {
  put_image("one", {"busybox"});
  const Image image = store_.images().at(0);
  for (const std::string& text :
       {std::string("busybox"), std::string("busybox:latest"),
        std::string("docker.io/library/busybox"), image.id.hex(), image.id.str(),
        image.id.short_id(), image.id.hex().substr(0, 3), image.id.str().substr(0, 12)}) {
    EXPECT_EQ(store_.get_image(text).id, image.id) << text;
  }
  EXPECT_FALSE(store_.find_image("other"));
  EXPECT_FALSE(store_.find_image("busybox:1"));
  EXPECT_FALSE(store_.find_image(std::string(64, '0')));
  EXPECT_FALSE(store_.find_image("sha256:"));
  EXPECT_EQ(error_of([&] { return store_.get_image("other"); }), "No such image: other:latest");
  EXPECT_EQ(error_of([&] { return store_.get_image("h:5/x:1"); }), "No such image: h:5/x:1");
  EXPECT_EQ(error_of([&] { return store_.get_image("sha256:12"); }), "No such image: sha256:12");
  EXPECT_THAT(error_of([&] { return store_.find_image("Busy Box"); }), HasSubstr("invalid ref"));
}

TEST_F(StoreTest, SaysThatABeginningFitsSeveralIds) {
  for (int i = 0; i < 17; ++i) put_image(std::to_string(i), {});  // 16 first digits there are
  std::string ambiguous;
  for (const char digit : std::string("0123456789abcdef")) {
    const std::string error = error_of([&] { return store_.find_image(std::string(1, digit)); });
    if (!error.empty()) ambiguous = error;
  }
  EXPECT_THAT(ambiguous, HasSubstr("is ambiguous"));
}

TEST_F(StoreTest, GivesANameToTheImageThatWasAddedLast) {
  put_image("one", {"busybox", "old"});
  put_image("two", {"busybox"});
  EXPECT_EQ(store_.config_of(store_.get_image("busybox")).created, "two");
  EXPECT_EQ(store_.config_of(store_.get_image("old")).created, "one");
  EXPECT_THAT(store_.images(), SizeIs(2));
}

TEST_F(StoreTest, KeepsAnImageThatHasLostItsLastName) {
  const Descriptor one = put_image("one", {"busybox"});
  put_image("two", {"busybox"});
  ASSERT_THAT(store_.images(), SizeIs(2));
  const Image old =
      store_.get_image(store_.manifest_of({Digest::of(""), one, {}, 0}).config.digest.str());
  EXPECT_TRUE(old.names.empty());
  EXPECT_EQ(store_.config_of(old).created, "one");
}

TEST_F(StoreTest, KeepsOneEntryForAnImageWithoutAName) {
  put_image("one", {});
  put_image("one", {});
  EXPECT_TRUE(store_.images().at(0).names.empty());
  put_image("one", {"x"});
  put_image("one", {});
  ASSERT_THAT(store_.images(), SizeIs(1));
  EXPECT_THAT(store_.images()[0].names, SizeIs(1));
}

TEST_F(StoreTest, NoticesDamagedAndMissingBlobs) {
  put_image("one", {"x"});
  const Image image = store_.images().at(0);
  const Descriptor layer = store_.manifest_of(image).layers.at(0);
  EXPECT_EQ(store_.read_blob(layer), "one");
  write_text(store_.blob_path(layer.digest), "two");
  EXPECT_THAT(error_of([&] { return store_.read_blob(layer); }), HasSubstr("is damaged"));
  write_text(store_.blob_path(layer.digest), "three");
  EXPECT_THAT(error_of([&] { return store_.open_blob(layer).get(); }),
              HasSubstr("it has 5 bytes instead of 3"));
  const Descriptor missing{kOciLayer, Digest::of("nowhere"), 1};
  EXPECT_THAT(error_of([&] { return store_.read_blob(missing); }), HasSubstr("is missing in"));
  const Descriptor large{kOciLayer, Digest::of("nowhere"), std::uint64_t{1} << 30U};
  EXPECT_THAT(error_of([&] { return store_.read_blob(large); }), HasSubstr("too large"));
}

TEST_F(StoreTest, AdoptsFinishedFilesOnce) {
  const StoreLock lock = store_.lock();
  write_text(dir_ / "file", "content");
  store_.adopt_blob(lock, dir_ / "file", Digest::of("content"));
  EXPECT_EQ(find_text(store_.blob_path(Digest::of("content"))), "content");
  EXPECT_FALSE(find_text(dir_ / "file"));
  write_text(dir_ / "again", "content");
  store_.adopt_blob(lock, dir_ / "again", Digest::of("content"));
  EXPECT_TRUE(find_text(dir_ / "again"));
}

TEST_F(StoreTest, PutsWholeBlobsInThePlaceOfDamagedOnes) {
  const StoreLock lock = store_.lock();
  const Digest digest = store_.put_blob(lock, "content");
  for (const char* damage : {"CONTENT", "cut", ""}) {
    write_text(store_.blob_path(digest), damage);
    EXPECT_EQ(store_.put_blob(lock, "content"), digest);
    EXPECT_EQ(find_text(store_.blob_path(digest)), "content") << damage;
    write_text(store_.blob_path(digest), damage);
    write_text(dir_ / "file", "content");
    store_.adopt_blob(lock, dir_ / "file", digest);
    EXPECT_EQ(find_text(store_.blob_path(digest)), "content") << damage;
  }
}

TEST_F(StoreTest, LeavesADamagedImageOutAndSweepsNothingThen) {
  put_image("one", {"x"});
  const Descriptor two = put_image("two", {"y"});
  write_text(store_.blob_path(two.digest), "damage");
  std::vector<std::string> damaged;
  ASSERT_THAT(store_.images(&damaged), SizeIs(1));
  EXPECT_EQ(store_.get_image("x").names.size(), 1U);
  EXPECT_FALSE(store_.find_image("y"));
  EXPECT_EQ(store_.find_manifest("y"), two.digest) << "to be got rid of";
  EXPECT_FALSE(store_.find_manifest("z"));
  EXPECT_THAT(
      error_of([&] { return store_.get_image("y"); }),
      HasSubstr("image y:latest: its manifest " + two.digest.str() + " is missing or damaged"));
  ASSERT_THAT(damaged, SizeIs(1));
  EXPECT_THAT(damaged[0], HasSubstr(two.digest.str() + " is damaged"));
  const StoreLock lock = store_.lock();
  EXPECT_THAT(error_of([&] { return store_.sweep(lock); }), HasSubstr("is damaged"));
  EXPECT_THAT(error_of([&] { return needed_layers(store_); }), HasSubstr("is damaged"));
  EXPECT_EQ(find_text(store_.blob_path(Digest::of("two"))), "two");
}

TEST_F(StoreTest, FindsANameThatIsAsLongAsAnId) {
  const std::string name(64, 'x');
  put_image("one", {name});
  EXPECT_TRUE(store_.find_image(name));
}

TEST_F(StoreTest, SweepsBlobsThatNoImageNeeds) {
  put_image("one", {"x"});
  const std::vector<std::string> before = files_below(dir_ / "store/blobs");
  const StoreLock lock = store_.lock();
  store_.put_blob(lock, "left by a killed run");
  write_text(dir_ / "store/blobs/sha256/half", "");
  const Swept swept = store_.sweep(lock);
  EXPECT_EQ(swept.blobs, 2U);
  EXPECT_EQ(swept.bytes, std::string("left by a killed run").size());
  EXPECT_EQ(files_below(dir_ / "store/blobs"), before);
}

TEST_F(StoreTest, LeavesBlobsAloneThatSomebodyLeases) {
  const StoreLock lock = store_.lock();
  const Digest counted_on = store_.put_blob(lock, "counted on");
  const Digest rubbish = store_.put_blob(lock, "rubbish");
  {
    const BlobLease lease(store_.dir(), {counted_on});
    EXPECT_EQ(store_.sweep(lock).blobs, 1U);
    EXPECT_TRUE(find_text(store_.blob_path(counted_on)));
    EXPECT_FALSE(find_text(store_.blob_path(rubbish)));
  }
  EXPECT_EQ(store_.sweep(lock).blobs, 1U);
}

TEST_F(StoreTest, SweepsHalfDownloadsThatNobodyLeases) {
  EXPECT_EQ(store_.sweep_downloads().blobs, 0U) << "there never was a pull";
  const Digest left = Digest::of("left");
  const Digest coming = Digest::of("coming");
  const std::string downloads = store_.downloads_dir();
  for (const char* boot : {"/this-boot", "/another"}) {
    make_dirs(downloads + boot);
    write_text(downloads + boot + "/" + left.hex(), "half");
  }
  write_text(downloads + "/this-boot/" + coming.hex(), "some");
  {
    const BlobLease lease(store_.dir(), {coming});
    const Swept swept = store_.sweep_downloads();
    EXPECT_EQ(swept.blobs, 2U);
    EXPECT_EQ(swept.bytes, 8U);
    EXPECT_TRUE(find_text(downloads + "/this-boot/" + coming.hex()));
  }
  EXPECT_EQ(store_.sweep_downloads().bytes, 4U);
  EXPECT_EQ(store_.sweep(store_.lock()).blobs, 0U) << "it is another matter";
}

// --- what goes, and what is wrong ------------------------------------------------------------

TEST_F(StoreTest, AnImageLosesItsNamesOneByOneAndStays) {
  put_image("one", {"a", "b"});
  const StoreLock lock = store_.lock();
  store_.remove_name(lock, "docker.io/library/nobody:latest");
  store_.remove_name(lock, "docker.io/library/a:latest");
  EXPECT_THAT(store_.images().at(0).names, ElementsAre(ImageName::parse("b")));
  store_.remove_name(lock, "docker.io/library/b:latest");
  EXPECT_THAT(store_.images().at(0).names, SizeIs(0));
}

TEST_F(StoreTest, ARemovedImageTakesItsNamesAlongAndLeavesItsBlobsToTheSweep) {
  put_image("one", {"a", "b"});
  put_image("two", {"c"});
  const StoreLock lock = store_.lock();
  store_.remove_image(lock, store_.get_image("a").manifest.digest);
  ASSERT_THAT(store_.images(), SizeIs(1));
  EXPECT_EQ(store_.sweep(lock).blobs, 3U);
  EXPECT_THAT(store_.check(), SizeIs(0));
}

TEST_F(StoreTest, AnImageIsFoundByWhatARegistryCallsIt) {
  const Descriptor one = put_image("one", {"x"});
  const std::string digest = Digest::of("an index").str();
  store_.add_image(store_.lock(), one, {}, {DigestName::parse("x:1@" + digest)});
  EXPECT_EQ(store_.get_image("x@" + digest).manifest.digest, one.digest);
  EXPECT_EQ(store_.get_image("docker.io/library/x:any@" + digest).names.size(), 1U);
  EXPECT_EQ(store_.images().at(0).digests.at(0).familiar(), "x@" + digest);
  EXPECT_FALSE(store_.find_image("y@" + digest));
  EXPECT_THAT(error_of([&] { return store_.find_image("x@sha256:12"); }),
              HasSubstr("invalid reference format"));
  put_image("two", {"x"});
  EXPECT_EQ(store_.get_image("x@" + digest).names.size(), 0U) << "a digest is for ever";
}

TEST_F(StoreTest, TellsOfWhatIsMissingAndOfWhatIsDamaged) {
  put_image("one", {"x"});
  put_image("two", {"y"});
  EXPECT_THAT(store_.check(), SizeIs(0));
  remove_tree(store_.blob_path(Digest::of("one")));
  write_text(store_.blob_path(Digest::of("two")), "owt");
  write_text(dir_ / "store/blobs/sha256/stray", "");
  const std::vector<std::string> findings = store_.check();
  ASSERT_THAT(findings, SizeIs(3));
  EXPECT_THAT(findings[0], HasSubstr(Digest::of("one").str() + " is missing"));
  EXPECT_THAT(findings[0], HasSubstr("image " + store_.get_image("x").id.str()));
  EXPECT_THAT(findings[1], HasSubstr(Digest::of("two").hex()));
  EXPECT_THAT(findings[2], HasSubstr("stray"));
}

TEST_F(StoreTest, IsLockedByOneAtATime) {
  const StoreLock lock = store_.lock();
  const UniqueFd other = sys::open((dir_ / "store/lock").c_str(), O_RDWR).or_throw();
  EXPECT_EQ(sys::flock(other.get(), LOCK_EX | LOCK_NB).error(), EWOULDBLOCK);
}

// --- layers ----------------------------------------------------------------------------------

TEST_F(StoreTest, LayersAreKeptUnderTheirDiffIdTheTopmostFirst) {
  const LayerStore layers(dir_ / "layers");
  ImageConfig config;
  config.diff_ids = {Digest::of("1"), Digest::of("2"), Digest::of("1")};
  EXPECT_THAT(layers.missing_of(config), ElementsAre(Digest::of("1"), Digest::of("2")));
  EXPECT_THAT(error_of([&] { return layers.paths_of(config); }), HasSubstr("is not unpacked"));
  const StoreLock lock = store_.lock();
  for (const char* name : {"1", "2"}) {
    make_dirs(dir_ / name);
    layers.commit(lock, dir_ / name, Digest::of(name));
  }
  EXPECT_TRUE(layers.missing_of(config).empty());
  EXPECT_THAT(layers.paths_of(config),
              ElementsAre(layers.path(Digest::of("1")), layers.path(Digest::of("2"))));
}

TEST_F(StoreTest, NothingLiesBelowALayerThatIsOpaqueAsAWhole) {
  const LayerStore layers(dir_ / "layers");
  ImageConfig config;
  config.diff_ids = {Digest::of("1"), Digest::of("2"), Digest::of("3")};
  const StoreLock lock = store_.lock();
  for (const char* name : {"1", "2", "3"}) {
    make_dirs(dir_ / name);
    layers.commit(lock, dir_ / name, Digest::of(name));
  }
  EXPECT_THAT(layers.paths_of(config), SizeIs(3));
  const std::string middle = layers.path(Digest::of("2"));
  const UniqueFd fd = sys::open(middle.c_str(), O_RDONLY | O_DIRECTORY).or_throw();
  unionfs::mark_opaque(fd.get()).or_throw();
  EXPECT_THAT(layers.paths_of(config), ElementsAre(layers.path(Digest::of("3")), middle));
}

TEST_F(StoreTest, ALayerThatIsThereStaysAsItIs) {
  const LayerStore layers(dir_ / "layers");
  const StoreLock lock = store_.lock();
  make_dirs(dir_ / "first");
  write_text(dir_ / "first/file", "first");
  layers.commit(lock, dir_ / "first", Digest::of("1"));
  make_dirs(dir_ / "second");
  layers.commit(lock, dir_ / "second", Digest::of("1"));
  EXPECT_EQ(find_text(layers.path(Digest::of("1")) + "/file"), "first");
  EXPECT_THROW(layers.commit(lock, dir_ / "nowhere", Digest::of("2")), SystemError);
}

TEST_F(StoreTest, SweepsLayersThatNoImageNeeds) {
  put_image("one", {"x"});
  const LayerStore layers(dir_ / "layers");
  const StoreLock lock = store_.lock();
  for (const char* name : {"one", "other"}) {
    make_dirs(dir_ / name);
    layers.commit(lock, dir_ / name, Digest::of(name));
  }
  EXPECT_THAT(layers.all(), SizeIs(2));
  EXPECT_EQ(layers.sweep(lock, needed_layers(store_)), 1U);
  EXPECT_TRUE(layers.has(Digest::of("one")));
}

TEST_F(StoreTest, ALayerIsAsLargeAsItsFiles) {
  const LayerStore layers(dir_ / "layers");
  const std::string layer = layers.path(Digest::of("1"));
  make_dirs(layer + "/a/b");
  write_text(layer + "/a/b/file", "12345");
  write_text(layer + "/file", "123");
  ASSERT_EQ(::link((layer + "/file").c_str(), (layer + "/a/again").c_str()), 0);
  ASSERT_EQ(::symlink("/", (layer + "/out").c_str()), 0);
  EXPECT_EQ(layers.size_of(Digest::of("1")), 9U) << "a link is as long as its target";
}

// --- workspaces ------------------------------------------------------------------------------

TEST(Workspace, GivesPathsNobodyElseHasAndGoesWithAllItHolds) {
  const TempDir dir;
  {
    Workspace workspace(dir / "tmp");
    const std::string first = workspace.fresh("blob");
    EXPECT_NE(first, workspace.fresh("blob"));
    write_text(first, "x");
  }
  EXPECT_TRUE(files_below(dir / "tmp").empty());
}

TEST(Workspace, OfADeadRunIsRubbishButNotOfALivingOne) {
  const TempDir dir;
  EXPECT_EQ(clean_temporaries(dir / "tmp"), 0U);
  const Workspace living(dir / "tmp");
  make_dirs(dir / "tmp/mini-docker-dead/layer-1");
  write_text(dir / "tmp/stray", "x");
  EXPECT_EQ(clean_temporaries(dir / "tmp"), 2U);
  EXPECT_THAT(files_below(dir / "tmp"), SizeIs(1));
}

}  // namespace
}  // namespace minidocker::images
