#include "image_removal.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image_listing.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/temp_dir.hpp"

namespace minidocker::engine {
namespace {

using images::Descriptor;
using images::Digest;
using images::DigestName;
using images::ImageName;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A store with small images of one or two layers.
class EngineImages : public ::testing::Test {
 protected:
  void SetUp() override { database_.execute(kSizes); }

  /// An image of these layers, made in that year. Returns its id.
  std::string put(const std::vector<std::string>& layers, const std::string& year,
                  const std::vector<std::string>& names) {
    const images::StoreLock lock = store_.lock();
    std::string ids;
    images::Manifest manifest{{images::kOciConfig, Digest::of(""), 0}, {}};
    std::string steps;
    for (const std::string& layer : layers) {
      ids += fmt::format("{}\"{}\"", ids.empty() ? "" : ",", Digest::of(layer).str());
      steps += fmt::format(R"({{"created_by":"ADD {}"}},)", layer);
      manifest.layers.push_back({images::kOciLayer, store_.put_blob(lock, layer), layer.size()});
      make_dirs(layers_.path(Digest::of(layer)));
      testing::write_text(layers_.path(Digest::of(layer)) + "/file", layer);
    }
    const std::string config = fmt::format(
        R"({{"created":"{}-01-01T00:00:00Z","config":{{"Labels":{{"year":"{}"}}}},"history":[{}
           {{"created_by":"CMD x","empty_layer":true}}],"rootfs":{{"diff_ids":[{}]}}}})",
        year, year, steps, ids);
    manifest.config = {images::kOciConfig, store_.put_blob(lock, config), config.size()};
    const std::string text = to_json(manifest);
    const Descriptor descriptor{images::kOciManifest, store_.put_blob(lock, text), text.size()};
    std::vector<ImageName> parsed;
    for (const std::string& name : names) parsed.push_back(ImageName::parse(name));
    store_.add_image(lock, descriptor, parsed);
    return manifest.config.digest.hex();
  }
  void add_digest(const std::string& image, const std::string& name) {
    store_.add_image(store_.lock(), store_.get_image(image).manifest, {},
                     {DigestName::parse(name + "@" + kDigest)});
  }

  /// What was removed: "U name", "D digest".
  std::vector<std::string> remove(const std::string& text, Force force = Force::no) {
    const images::StoreLock lock = store_.lock();
    ImageRemoval removal(store_, lock, users_);
    removal.remove(text, force);
    return in_words(removal);
  }
  std::vector<std::string> prune(PruneScope scope) {
    const images::StoreLock lock = store_.lock();
    ImageRemoval removal(store_, lock, users_);
    removal.prune(scope);
    return in_words(removal);
  }
  std::string refusal_of(const std::string& text, Force force = Force::no) {
    try {
      static_cast<void>(remove(text, force));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::conflict);
      return error.what();
    }
    return "";
  }
  static std::vector<std::string> in_words(const ImageRemoval& removal) {
    std::vector<std::string> words;
    for (const RemovedReference& each : removal.removed()) {
      words.push_back((each.kind == RemovedReference::Kind::untagged ? "U " : "D ") + each.what);
    }
    return words;
  }
  [[nodiscard]] Shelf shelf() const { return {store_, layers_, sizes_}; }
  std::vector<std::string> tags(const ImageFilters& filters) const {
    std::vector<std::string> names;
    for (const ImageSummary& image : list_images(shelf(), filters).images) {
      names.push_back(image.tags.empty() ? "-" : image.tags.front());
    }
    return names;
  }

  static constexpr const char* kSizes =
      "CREATE TABLE layer_sizes (diff_id TEXT PRIMARY KEY, bytes INTEGER NOT NULL)";
  const std::string kDigest = Digest::of("in a registry").str();
  TempDir dir_;
  images::Store store_ = images::Store::open(dir_ / "store");
  images::LayerStore layers_{dir_ / "layers"};
  Database database_{dir_ / "db"};
  LayerSizes sizes_{database_, layers_};
  std::vector<ImageUser> containers_;
  ImageUsers users_ = [this](const std::string&) { return containers_; };
};

using ImageRemovalTest = EngineImages;

TEST_F(ImageRemovalTest, TheLastNameTakesTheImageAndItsLayersAlong) {
  const std::string id = put({"a", "b"}, "2024", {"x", "y"});
  EXPECT_THAT(remove("x"), ElementsAre("U x:latest"));
  const Digest chain = Digest::of(Digest::of("a").str() + " " + Digest::of("b").str());
  EXPECT_THAT(remove("y:latest"), ElementsAre("U y:latest", "D sha256:" + id, "D " + chain.str(),
                                              "D " + Digest::of("a").str()));
  EXPECT_THAT(store_.images(), IsEmpty());
}

TEST_F(ImageRemovalTest, LayersThatAnotherImageHasStay) {
  put({"a", "b"}, "2024", {"x"});
  put({"a"}, "2024", {"y"});
  EXPECT_THAT(remove("x"), SizeIs(3)) << "the name, the image, its upper layer";
}

TEST_F(ImageRemovalTest, ALastTagTakesTheDigestsOfItsRepositoryAlong) {
  put({"a"}, "2024", {"x:1", "x:2"});
  add_digest("x:1", "x");
  EXPECT_THAT(remove("x:1"), ElementsAre("U x:1"));
  EXPECT_THAT(remove("x:2"), SizeIs(4));
  put({"a"}, "2024", {"x"});
  add_digest("x", "y");
  EXPECT_THAT(remove("x"), ElementsAre("U x:latest")) << "y still has it";
  EXPECT_THAT(remove("y@" + kDigest), SizeIs(3));
}

TEST_F(ImageRemovalTest, AnIdTakesAllNamesOfOneRepositoryAlong) {
  const std::string id = put({"a"}, "2024", {"x"});
  add_digest("x", "x");
  EXPECT_THAT(
      remove(id.substr(0, 12)),
      ElementsAre("U x:latest", "U x@" + kDigest, "D sha256:" + id, "D " + Digest::of("a").str()));
}

TEST_F(ImageRemovalTest, AnIdOfSeveralRepositoriesMustBeForced) {
  const std::string id = put({"a"}, "2024", {"x", "y"});
  EXPECT_EQ(refusal_of(id), "conflict: unable to delete " + id.substr(0, 12) +
                                " (must be forced) - image is referenced in multiple repositories");
  EXPECT_THAT(remove(id, Force::yes), SizeIs(4));
}

TEST_F(ImageRemovalTest, AContainerThatHasEndedMustBeOverruled) {
  const std::string id = put({"a"}, "2024", {"x", "y"});
  containers_ = {{std::string(64, 'c'), false}};
  EXPECT_THAT(remove("y"), ElementsAre("U y:latest")) << "the image stays";
  EXPECT_EQ(refusal_of("x"),
            "conflict: unable to remove repository reference \"x\" (must force) - container "
            "cccccccccccc is using its referenced image " +
                id.substr(0, 12));
  EXPECT_THAT(refusal_of(id), HasSubstr("(must be forced) - image is being used by stopped "
                                        "container cccccccccccc"));
  EXPECT_THAT(remove("x", Force::yes), ElementsAre("U x:latest", "D sha256:" + id))
      << "the container's layers stay";
}

TEST_F(ImageRemovalTest, AContainerThatRunsCannotBeOverruled) {
  const std::string id = put({"a"}, "2024", {"x"});
  containers_ = {{std::string(64, 'c'), true}};
  EXPECT_THAT(refusal_of(id, Force::yes),
              HasSubstr("(cannot be forced) - image is being used by running container"));
  EXPECT_THAT(refusal_of("x", Force::yes), HasSubstr("(cannot be forced)"));
  EXPECT_THAT(store_.get_image("x").names, SizeIs(1)) << "nothing is half removed";
}

TEST_F(ImageRemovalTest, ADamagedImageCanBeGotRidOf) {
  const std::string id = put({"a"}, "2024", {"x"});
  put({"b"}, "2024", {"y"});
  testing::write_text(store_.blob_path(Digest::from_hex(id)), "damage");
  EXPECT_THAT(remove("x"), ElementsAre("U x:latest", "D sha256:" + id));
  testing::write_text(store_.blob_path(store_.get_image("y").manifest.digest), "damage");
  EXPECT_THAT(remove("y"), ElementsAre("U y"));
  EXPECT_EQ(testing::find_text(dir_ / "store/index.json"),
            R"({"manifests":[],"mediaType":"application/vnd.oci.image.index.v1+json",)"
            R"("schemaVersion":2})");
  EXPECT_THROW(remove("y"), Error);
}

TEST_F(ImageRemovalTest, APruneTakesWhatHasNoTagOrAll) {
  put({"a"}, "2024", {"x"});
  put({"b"}, "2024", {});
  EXPECT_THAT(prune(PruneScope::dangling), SizeIs(2));
  EXPECT_THAT(prune(PruneScope::dangling), IsEmpty());
  containers_ = {{std::string(64, 'c'), false}};
  EXPECT_THAT(prune(PruneScope::all), IsEmpty()) << "it is used";
  containers_.clear();
  EXPECT_THAT(prune(PruneScope::all), SizeIs(3));
}

using ImageListing = EngineImages;

TEST_F(ImageListing, IsAsLargeAsItsFilesWithTheNewestFirst) {
  put({"a", "bb"}, "2023", {"old"});
  put({"bb"}, "2024", {"new"});
  const std::vector<ImageSummary> images = list_images(shelf(), {}).images;
  ASSERT_THAT(images, SizeIs(2));
  EXPECT_THAT(images[0].tags, ElementsAre("new:latest"));
  EXPECT_EQ(images[1].size.value, 3U);
  remove_tree(layers_.path(Digest::of("a")));
  EXPECT_EQ(list_images(shelf(), {}).images[1].size.value, 3U) << "counted once, remembered";
}

TEST_F(ImageListing, FiltersByAllThatDockerKnows) {
  put({"a"}, "2022", {"x:1", "h:5000/x:2"});
  put({"b"}, "2023", {"y"});
  put({"c"}, "2024", {});
  EXPECT_THAT(tags({}), ElementsAre("-", "y:latest", "x:1"));
  EXPECT_THAT(tags({.dangling = true}), ElementsAre("-"));
  EXPECT_THAT(tags({.dangling = false}), ElementsAre("y:latest", "x:1"));
  EXPECT_THAT(tags({.labels = {"year"}}), SizeIs(3));
  EXPECT_THAT(tags({.labels = {"year=2023"}}), ElementsAre("y:latest"));
  EXPECT_THAT(tags({.labels = {"year=2023", "nobody"}}), IsEmpty());
  EXPECT_THAT(tags({.references = {"x"}}), ElementsAre("x:1"));
  EXPECT_THAT(tags({.references = {"h:5000/*"}}), ElementsAre("h:5000/x:2"));
  EXPECT_THAT(tags({.references = {"*:latest", "x:?"}}), ElementsAre("y:latest", "x:1"));
  EXPECT_THAT(tags({.before = "y"}), ElementsAre("x:1"));
  EXPECT_THAT(tags({.since = "y"}), ElementsAre("-"));
  EXPECT_THROW(tags({.since = "nobody"}), Error);
}

TEST_F(ImageListing, HistoryTellsStepsWithTheSizesOfTheirLayers) {
  const std::string id = put({"a", "bb"}, "2024", {"x"});
  const std::vector<HistoryLine> lines = history_of(shelf(), "x");
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0].id, id);
  EXPECT_EQ(lines[0].created_by, "CMD x");
  EXPECT_EQ(lines[0].size.value, 0U);
  EXPECT_EQ(lines[1].id, "");
  EXPECT_EQ(lines[1].size.value, 2U);
  EXPECT_EQ(lines[2].created_by, "ADD a");
}

TEST_F(ImageListing, DetailsNameEachLayerAndItsDirectory) {
  put({"a", "bb"}, "2024", {"x"});
  const ImageDetails details = details_of(shelf(), "x");
  ASSERT_THAT(details.layers, SizeIs(2));
  EXPECT_EQ(details.layers[0].chain_id, Digest::of("a").str());
  EXPECT_EQ(details.layers[1].created_by, "ADD bb");
  EXPECT_EQ(details.layers[1].size.value, 2U);
  EXPECT_THAT(details.folders,
              ElementsAre(layers_.path(Digest::of("bb")), layers_.path(Digest::of("a"))));
  EXPECT_EQ(details.defaults, R"({"Labels":{"year":"2024"}})");
  remove_tree(layers_.path(Digest::of("a")));
  EXPECT_THAT(details_of(shelf(), "x").folders, IsEmpty());
}

}  // namespace
}  // namespace minidocker::engine
