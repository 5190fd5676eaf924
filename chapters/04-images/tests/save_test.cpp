#include "minidocker/images_unpack/save.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compressed_text.hpp"
#include "minidocker/images_unpack/import.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "tar_builder.hpp"

namespace minidocker::images_unpack {
namespace {

using images::Image;
using images::ImageName;
using images_unpack::testing::TarBuilder;
using minidocker::testing::files_below;
using minidocker::testing::find_text;
using minidocker::testing::write_text;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A store with its layers, and a place for what is not finished.
struct Place {
  explicit Place(const std::string& dir)
      : store(images::Store::open(dir + "/images")), layers(dir + "/layers"), tmp(dir + "/tmp") {}

  [[nodiscard]] ImportTarget target() {
    return {store, layers, tmp, images::Owners::squash, {"linux", "amd64", ""}};
  }
  images::Store store;
  images::LayerStore layers;
  images::Workspace tmp;
};

class Save : public ::testing::Test {
 protected:
  /// An image with one file, of that content.
  void make(const std::string& content, const std::vector<std::string>& names,
            const std::string& changes = "") {
    write_text(dir_ / "root.tar", TarBuilder().file("file", content).finish());
    TarballOptions options{{}, changes, "a comment", "2024-01-01T00:00:00Z"};
    for (const std::string& name : names) options.names.push_back(ImageName::parse(name));
    import_tarball(dir_ / "root.tar", options, here_.target(), [](const auto&) {});
  }
  std::string save(const std::vector<std::string>& names, const std::string& to = "saved.tar") {
    const UniqueFd file =
        sys::open((dir_ / to).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600).or_throw();
    const auto output = tar_output(file.get());
    save_images(here_.store, names, *output);
    return dir_ / to;
  }
  std::string refusal_of(const std::vector<std::string>& names) {
    try {
      save(names);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  std::vector<Image> images_of(const std::string& saved, const std::string& place) {
    Place there(dir_ / place);
    import_images(saved, there.target(), [](const auto&) {});
    return there.store.images();
  }

  TempDir dir_;
  Place here_{dir_ / "here"};
};

TEST_F(Save, WhatIsSavedIsLoadedWithTheSameDigests) {
  make("one", {"one", "two:2"}, "CMD [\"/file\"]");
  const std::vector<Image> loaded = images_of(save({"one", "two:2"}), "there");
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_EQ(loaded[0].manifest.digest, here_.store.get_image("one").manifest.digest);
  EXPECT_THAT(loaded[0].names, ElementsAre(ImageName::parse("one"), ImageName::parse("two:2")));
  EXPECT_EQ(
      find_text(dir_ / "there/layers/sha256/" + files_below(dir_ / "there/layers/sha256").back()),
      "one");
}

TEST_F(Save, TheSameImagesMakeTheSameBytesWhateverTheOrder) {
  make("one", {"one"});
  make("two", {"two"});
  const std::string first = *find_text(save({"one", "two"}));
  EXPECT_EQ(*find_text(save({"one", "two"}, "again.tar")), first);
  EXPECT_THAT(images_of(dir_ / "again.tar", "there"), SizeIs(2));
}

TEST_F(Save, ADirectoryHoldsTheSameFilesAsTheArchive) {
  make("one", {"one"});
  const auto output = directory_output(dir_ / "layout");
  save_images(here_.store, {"one"}, *output);
  const auto unpacked = minidocker::testing::run_command(
      {"sh", "-c", "mkdir $1/plain && tar -xf $2 -C $1/plain && diff -r $1/plain $1/layout", "sh",
       dir_.path(), save({"one"})});
  EXPECT_EQ(unpacked.exit_code, 0) << unpacked.in_words();
  EXPECT_THAT(files_below(dir_ / "layout"), Contains("repositories"));
  EXPECT_THAT(images_of(dir_ / "layout", "there"), SizeIs(1));
  EXPECT_THROW(directory_output(dir_ / "layout"), Error) << "it is not empty any more";
}

TEST_F(Save, DockersFormIsThereWithoutTheLayout) {
  make("one", {"one"});
  const auto output = directory_output(dir_ / "layout");
  save_images(here_.store, {"one"}, *output);
  remove_tree(dir_ / "layout/index.json");
  remove_tree(dir_ / "layout/oci-layout");
  const std::vector<Image> loaded = images_of(dir_ / "layout", "there");
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_EQ(loaded[0].id, here_.store.get_image("one").id);
  EXPECT_THAT(loaded[0].names, ElementsAre(ImageName::parse("one")));
  EXPECT_THAT(*find_text(dir_ / "layout/manifest.json"), HasSubstr(R"("RepoTags":["one:latest"])"));
  EXPECT_EQ(find_text(dir_ / "layout/repositories"),
            R"({"one":{"latest":")" +
                here_.store.manifest_of(here_.store.get_image("one")).layers[0].digest.hex() +
                R"("}})");
}

TEST_F(Save, ARepositoryMeansAllItsTagsATagOnlyItselfAnIdNone) {
  make("one", {"x:1", "y"});
  make("two", {"x:2"});
  EXPECT_THAT(images_of(save({"x"}), "all"), SizeIs(2));
  const std::vector<Image> tag = images_of(save({"x:1"}), "tag");
  ASSERT_THAT(tag, SizeIs(1));
  EXPECT_THAT(tag[0].names, ElementsAre(ImageName::parse("x:1")));
  const std::vector<Image> id = images_of(save({here_.store.get_image("x:1").id.short_id()}), "id");
  ASSERT_THAT(id, SizeIs(1));
  EXPECT_THAT(id[0].names, IsEmpty());
  EXPECT_EQ(refusal_of({"x:1", "nobody"}), "No such image: nobody:latest");
}

TEST_F(Save, ADamagedLayerIsTold) {
  make("one", {"one"});
  const images::Manifest manifest = here_.store.manifest_of(here_.store.get_image("one"));
  const std::string path = here_.store.blob_path(manifest.layers[0].digest);
  std::string layer = *find_text(path);
  layer[600] ^= 1;
  write_text(path, layer);
  EXPECT_THAT(refusal_of({"one"}), HasSubstr("is damaged; load the image again"));
  remove_tree(path);
  EXPECT_THAT(refusal_of({"one"}), HasSubstr("is missing"));
}

TEST_F(Save, AnImageThatIsHereKeepsItsManifestIfItComesAgainWithoutOne) {
  const std::string root = TarBuilder().file("file", "x").finish();
  write_text(dir_ / "root.tar.gz", testing::gzip(root));
  import_tarball(dir_ / "root.tar.gz", {{ImageName::parse("one")}, "", "", ""}, here_.target(),
                 [](const auto&) {});
  const Image before = here_.store.get_image("one");
  const images::Manifest manifest = here_.store.manifest_of(before);
  make_dirs(dir_ / "again");
  write_text(dir_ / "again/config", here_.store.read_blob(manifest.config));
  write_text(dir_ / "again/layer", root);
  write_text(dir_ / "again/manifest.json",
             R"([{"Config":"config","RepoTags":["other:1"],"Layers":["layer"]}])");
  import_images(dir_ / "again", here_.target(), [](const auto&) {});
  EXPECT_EQ(here_.store.get_image("other:1").manifest.digest, before.manifest.digest);
  EXPECT_THAT(files_below(dir_ / "here/images/blobs/sha256"), SizeIs(3));

  write_text(here_.store.blob_path(manifest.layers[0].digest), "damage");
  import_images(dir_ / "again", here_.target(), [](const auto&) {});
  EXPECT_NE(here_.store.get_image("other:1").manifest.digest, before.manifest.digest);
}

TEST_F(Save, APackedRootIsAnImageWithWhatItWasTold) {
  make("one", {"one"}, "USER me\nLABEL a=b");
  const images::ImageConfig config = here_.store.config_of(here_.store.get_image("one"));
  EXPECT_EQ(config.user, "me");
  EXPECT_EQ(config.labels.at("a"), "b");
  EXPECT_EQ(config.created, "2024-01-01T00:00:00Z");
  ASSERT_THAT(config.history, SizeIs(1));
  EXPECT_EQ(config.history[0].comment, "a comment");
  EXPECT_TRUE(here_.layers.missing_of(config).empty());
  EXPECT_THROW(make("two", {"two"}, "RUN x"), Error);
  EXPECT_THAT(here_.store.images(), SizeIs(1));
}

}  // namespace
}  // namespace minidocker::images_unpack
