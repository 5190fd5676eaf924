#include "minidocker/images_unpack/import.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "compressed_text.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/temp_dir.hpp"
#include "tar_builder.hpp"

namespace minidocker::images_unpack {
namespace {

using images::Descriptor;
using images::Digest;
using images::ImageName;
using images::LayerStore;
using images::Store;
using images::WorkerEvent;
using images::Workspace;
using images_unpack::testing::gzip;
using images_unpack::testing::TarBuilder;
using minidocker::testing::files_below;
using minidocker::testing::find_text;
using minidocker::testing::write_text;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The files of an archive, by name.
using Files = std::map<std::string, std::string>;

Descriptor add_blob(Files& files, const char* media_type, const std::string& content) {
  const Digest digest = Digest::of(content);
  files["blobs/sha256/" + digest.hex()] = content;
  return {media_type, digest, content.size()};
}

std::string config_of(const std::vector<std::string>& layers) {
  std::string ids;
  for (const std::string& layer : layers) {
    ids += fmt::format("{}\"{}\"", ids.empty() ? "" : ",", Digest::of(layer).str());
  }
  return fmt::format(R"({{"os":"linux","rootfs":{{"diff_ids":[{}]}}}})", ids);
}

// Puts an image of these (unpacked) layers among the files; returns its manifest.
Descriptor add_image(Files& files, const std::vector<std::string>& layers) {
  images::Manifest manifest{add_blob(files, images::kOciConfig, config_of(layers)), {}};
  for (const std::string& layer : layers) {
    manifest.layers.push_back(add_blob(files, images::kOciLayerGzip, gzip(layer)));
  }
  return add_blob(files, images::kOciManifest, to_json(manifest));
}

Descriptor named(Descriptor descriptor, const char* key, const std::string& name) {
  descriptor.annotations[key] = name;
  return descriptor;
}

Files layout_of(const std::vector<std::string>& layers, const std::string& name) {
  Files files;
  const Descriptor image = add_image(files, layers);
  files["index.json"] = to_json(images::Index{{named(image, images::kNameAnnotation, name)}});
  files["oci-layout"] = R"({"imageLayoutVersion":"1.0.0"})";
  return files;
}

std::string layer_with(const std::string& name) { return TarBuilder().file(name, name).finish(); }

class Import : public ::testing::Test {
 protected:
  void SetUp() override { make_dirs(dir_ / "tmp"); }

  std::string as_directory(const Files& files) {
    for (const auto& [name, content] : files) {
      const std::string path = dir_ / "from/" + name;
      make_dirs(path.substr(0, path.rfind('/')));
      write_text(path, content);
    }
    return dir_ / "from";
  }
  std::string as_tar(const Files& files, TarBuilder tar = {}) {
    for (const auto& [name, content] : files) {
      // Names of blobs are longer than a tar header has room for.
      tar.pax("path", name).file("cut", content);
    }
    write_text(dir_ / "from.tar", tar.finish());
    return dir_ / "from.tar";
  }

  std::vector<WorkerEvent> load(const std::string& from) {
    Workspace workspace(dir_ / "tmp");
    std::vector<WorkerEvent> events;
    import_images(from, {store_, layers_, workspace, images::Owners::squash, kHost, max_bytes_},
                  [&](const WorkerEvent& event) { events.push_back(event); });
    return events;
  }
  // The error that loading ends with; nothing may stay then.
  std::string refusal_of(const std::string& from) {
    const std::vector<std::string> before = files_below(dir_ / "state");
    try {
      static_cast<void>(load(from));
    } catch (const Error& error) {
      EXPECT_EQ(files_below(dir_ / "state"), before);
      EXPECT_THAT(files_below(dir_ / "tmp"), IsEmpty());
      return error.what();
    }
    return "";
  }

  static inline const images::Platform kHost{"linux", "amd64", ""};
  TempDir dir_;
  std::uint64_t max_bytes_ = 1U << 30U;
  Store store_ = Store::open(dir_ / "state/images");
  LayerStore layers_{dir_ / "state/layers"};
};

TEST_F(Import, TakesALayoutInADirectory) {
  const std::vector<WorkerEvent> events =
      load(as_directory(layout_of({layer_with("a"), layer_with("b")}, "busybox")));
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].type, WorkerEvent::Type::layer);
  EXPECT_EQ(events[0].entries, 1U);
  EXPECT_FALSE(events[0].reused);
  EXPECT_EQ(events[2].type, WorkerEvent::Type::image);
  EXPECT_THAT(events[2].names, ElementsAre("docker.io/library/busybox:latest"));

  const images::Image image = store_.get_image("busybox");
  EXPECT_EQ(image.id.str(), events[2].id);
  const std::vector<std::string> paths = layers_.paths_of(store_.config_of(image));
  ASSERT_THAT(paths, SizeIs(2));
  EXPECT_EQ(find_text(paths[0] + "/b"), "b");
  EXPECT_EQ(find_text(paths[1] + "/a"), "a");
  EXPECT_THAT(files_below(dir_ / "tmp"), IsEmpty());
}

TEST_F(Import, TakesALayoutInAnArchivePlainOrGzipped) {
  const Files files = layout_of({layer_with("a")}, "busybox");
  load(as_tar(files));
  EXPECT_TRUE(store_.find_image("busybox"));
  write_text(dir_ / "from.tar.gz", gzip(*find_text(dir_ / "from.tar")));
  EXPECT_TRUE(load(dir_ / "from.tar.gz").at(0).reused);
}

TEST_F(Import, TakesAnArchiveFromStandardInput) {
  const std::string tar = as_tar(layout_of({layer_with("a")}, "busybox"));
  const UniqueFd before = sys::dup(0).or_throw();
  const UniqueFd file = sys::open(tar.c_str(), O_RDONLY).or_throw();
  ASSERT_EQ(::dup2(file.get(), 0), 0);
  load("-");
  ASSERT_EQ(::dup2(before.get(), 0), 0);
  EXPECT_TRUE(store_.find_image("busybox"));
}

TEST_F(Import, TakesWhatDockerSaveWrites) {
  const std::string layer = layer_with("a");
  const std::string packed = layer_with("b");
  const std::string config = config_of({layer, layer, packed});
  Files files;
  files["config.json"] = config;
  files["1/layer.tar"] = layer;
  files["3/layer.tar"] = gzip(packed);
  files["manifest.json"] = R"([{"Config":"config.json","RepoTags":["busybox:1","busybox:2"],
    "Layers":["1/layer.tar","2/layer.tar","3/layer.tar"]}])";
  TarBuilder tar;
  tar.add({.name = "2/layer.tar", .type = '2', .link = "../1/layer.tar"});
  tar.add({.name = "1/hard", .type = '1', .link = "1/layer.tar"});
  tar.add({.name = "1/near", .type = '2', .link = "layer.tar"});
  const std::vector<WorkerEvent> events = load(as_tar(files, tar));
  EXPECT_THAT(events.back().names,
              ElementsAre("docker.io/library/busybox:1", "docker.io/library/busybox:2"));
  const images::Image image = store_.get_image("busybox:2");
  EXPECT_EQ(image.id, Digest::of(config));
  EXPECT_EQ(store_.manifest_of(image).layers.at(0).media_type, images::kOciLayer);
  EXPECT_EQ(store_.manifest_of(image).layers.at(2).media_type, images::kOciLayerGzip);
}

TEST_F(Import, TakesTheImageForThisPlatformOutOfAnIndexOfIndexes) {
  Files files;
  Descriptor other = add_image(files, {layer_with("arm")});
  other.platform = images::Platform{"linux", "arm64", "v8"};
  Descriptor mine = add_image(files, {layer_with("amd")});
  mine.platform = kHost;
  const Descriptor inner =
      add_blob(files, images::kOciIndex, to_json(images::Index{{other, mine}}));
  files["index.json"] =
      to_json(images::Index{{named(inner, images::kRefAnnotation, "host.x/tool:v1")}});
  load(as_directory(files));
  EXPECT_EQ(store_.get_image("host.x/tool:v1").manifest.digest, mine.digest);
  EXPECT_THAT(store_.images(), SizeIs(1));
}

TEST_F(Import, JoinsTheNamesOfOneImageAndTakesBareTagsForNone) {
  Files files;
  const Descriptor image = add_image(files, {layer_with("a")});
  files["index.json"] = to_json(images::Index{{named(image, images::kNameAnnotation, "x:1"),
                                               named(image, images::kNameAnnotation, "x:2"),
                                               named(image, images::kRefAnnotation, "latest")}});
  EXPECT_THAT(load(as_directory(files)).back().names,
              ElementsAre("docker.io/library/x:1", "docker.io/library/x:2"));
}

TEST_F(Import, WarnsOfWhatItDidNotTakeOver) {
  const std::string layer = TarBuilder()
                                .pax("SCHILY.xattr.user.overlay.opaque", "y")
                                .dir("d")
                                .add({.name = "f", .uid = 4711})
                                .finish();
  const std::vector<WorkerEvent> events = load(as_directory(layout_of({layer}, "x")));
  ASSERT_THAT(events, SizeIs(4));
  EXPECT_THAT(events[0].message, HasSubstr("1 files of other users"));
  EXPECT_THAT(events[1].message, HasSubstr("\"user.overlay.opaque\" of 1 files"));
}

TEST_F(Import, UnpacksLayersOfAStoredImageThatAreGone) {
  load(as_directory(layout_of({layer_with("a"), layer_with("b")}, "x")));
  const std::vector<std::string> paths = layers_.paths_of(store_.config_of(store_.get_image("x")));
  remove_tree(paths[0]);
  Workspace workspace(dir_ / "tmp");
  std::vector<bool> reused;
  const auto unpack = [&] {
    unpack_image("x", {store_, layers_, workspace, images::Owners::squash, kHost},
                 [&](const WorkerEvent& event) { reused.push_back(event.reused); });
  };
  unpack();
  EXPECT_THAT(reused, ElementsAre(true, false));
  EXPECT_EQ(find_text(paths[0] + "/b"), "b");

  const Descriptor blob = store_.manifest_of(store_.get_image("x")).layers.at(0);
  std::string content = *find_text(store_.blob_path(blob.digest));
  content[4] = static_cast<char>(content[4] ^ 1);  // a time in gzip's header: only a digest sees it
  write_text(store_.blob_path(blob.digest), content);
  remove_tree(paths[1]);
  try {
    unpack();
    ADD_FAILURE() << "a damaged blob was unpacked";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("damaged or forged"));
  }
  EXPECT_FALSE(find_text(paths[1] + "/a"));
}

// --- what is wrong with archives -----------------------------------------------------------------

TEST_F(Import, RefusesBlobsThatAreNotWhatTheirDigestsSay) {
  Files files = layout_of({layer_with("a")}, "x");
  const std::string layer = "blobs/sha256/" + Digest::of(gzip(layer_with("a"))).hex();
  files[layer][4] ^= 1;
  EXPECT_THAT(refusal_of(as_directory(files)), HasSubstr("damaged or forged"));
  EXPECT_THAT(refusal_of(as_tar(files)), HasSubstr("damaged or forged"));
  files.erase(layer);
  EXPECT_THAT(refusal_of(as_tar(files)), HasSubstr("is named but missing"));
}

TEST_F(Import, RefusesLayersThatUnpackToSomethingElseAndKeepsNothing) {
  Files files;
  images::Manifest manifest{add_blob(files, images::kOciConfig, config_of({layer_with("said")})),
                            {add_blob(files, images::kOciLayer, layer_with("is"))}};
  files["index.json"] =
      to_json(images::Index{{add_blob(files, images::kOciManifest, to_json(manifest))}});
  EXPECT_THAT(refusal_of(as_directory(files)), HasSubstr("unpacked it has digest"));
}

TEST_F(Import, RefusesAHostileLayerAndKeepsNothing) {
  const std::string layer = TarBuilder().file("../../climbed").finish();
  EXPECT_THAT(refusal_of(as_directory(layout_of({layer_with("a"), layer}, "x"))),
              HasSubstr("it climbs by"));
}

TEST_F(Import, SaysWhatAnArchiveLacks) {
  EXPECT_THAT(refusal_of(as_tar({{"file", "x"}})), HasSubstr("is no image"));
  EXPECT_THAT(refusal_of(dir_ / "nowhere"), HasSubstr("no such file or directory"));
  write_text(dir_ / "text", "this is a text and no archive, however long one makes it");
  EXPECT_THAT(refusal_of(dir_ / "text"), HasSubstr("middle of a header"));
  EXPECT_THAT(refusal_of(as_tar({{"manifest.json", "{}"}})), HasSubstr("array of images"));
  EXPECT_THAT(refusal_of(as_tar({{"manifest.json", R"([{"Config":"c"}])"}})),
              HasSubstr("names \"c\", which is missing"));
  EXPECT_THAT(refusal_of(as_tar({{"index.json", std::string(5'000'000, ' ')}})),
              HasSubstr("too many for a document"));
  EXPECT_THAT(refusal_of(as_tar({{"../index.json", "x"}})), HasSubstr("it climbs by"));
}

TEST_F(Import, SaysThatThereIsNoImageForThisPlatform) {
  Files files;
  Descriptor other = add_image(files, {layer_with("arm")});
  other.platform = images::Platform{"linux", "arm64", "v8"};
  files["index.json"] = to_json(images::Index{{other}});
  EXPECT_THAT(refusal_of(as_directory(files)),
              HasSubstr("no matching manifest for linux/amd64 among those it holds: "
                        "linux/arm64/v8"));
  files["index.json"] = to_json(images::Index{});
  EXPECT_THAT(refusal_of(as_tar(files)), HasSubstr("linux/amd64: it holds no image"));
}

TEST_F(Import, WarnsOfAnImageWhoseConfigNamesAnotherPlatform) {
  const std::string layer = layer_with("a");
  Files files;
  files["config.json"] =
      fmt::format(R"({{"os":"linux","architecture":"arm64","rootfs":{{"diff_ids":["{}"]}}}})",
                  Digest::of(layer).str());
  files["layer.tar"] = layer;
  files["manifest.json"] =
      R"([{"Config":"config.json","RepoTags":["tool:1"],"Layers":["layer.tar"]}])";
  const std::vector<WorkerEvent> events = load(as_tar(files));
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].type, WorkerEvent::Type::warning);
  EXPECT_THAT(events[0].message, HasSubstr("image tool:1: its platform (linux/arm64) does not "
                                           "match the detected host platform (linux/amd64)"));
  EXPECT_TRUE(store_.find_image("tool:1"));
}

TEST_F(Import, ReplacesBlobsThatWereDamagedInTheStore) {
  const std::string from = as_tar(layout_of({layer_with("a"), layer_with("b")}, "x"));
  load(from);
  const images::Image image = store_.get_image("x");
  const images::Manifest manifest = store_.manifest_of(image);
  std::vector<Descriptor> blobs = manifest.layers;
  blobs.push_back(manifest.config);
  blobs.push_back(image.manifest);
  for (const Descriptor& blob : blobs) {
    std::string content = store_.read_blob(blob);
    content[content.size() / 2] ^= 1;
    write_text(store_.blob_path(blob.digest), content);
  }
  EXPECT_FALSE(store_.find_image("x"));
  load(from);
  EXPECT_EQ(store_.get_image("x").id, image.id);
  for (const Descriptor& blob : blobs) EXPECT_NO_THROW((void)store_.read_blob(blob));
}

TEST_F(Import, IsBoundedInAllThatItStagesAndUnpacks) {
  const std::string layer = TarBuilder().file("zeros", std::string(1'000'000, '\0')).finish();
  const Files files = layout_of({layer}, "x");
  max_bytes_ = 500'000;
  EXPECT_THAT(refusal_of(as_tar(files)), HasSubstr("unpacks to more than 500000 bytes"));
  EXPECT_THAT(refusal_of(as_directory(files)), HasSubstr("unpacks to more than 500000 bytes"));
  // Behind the end of the archive, where only the digest looks.
  const Files drained = layout_of({layer_with("a") + std::string(1'000'000, '\0')}, "x");
  EXPECT_THAT(refusal_of(as_tar(drained)), HasSubstr("unpacks to more than 500000 bytes"));
  Files staged = layout_of({layer_with("a")}, "x");
  staged["large"] = std::string(600'000, 'x');
  EXPECT_THAT(refusal_of(as_tar(staged)), HasSubstr("from.tar: what is loaded unpacks to more"));
  max_bytes_ = 3'000'000;
  EXPECT_EQ(refusal_of(as_tar(files)), "");
}

TEST_F(Import, RefusesWhatDoesNotFitTogether) {
  Files files;
  Descriptor odd = add_image(files, {layer_with("a")});
  odd.media_type = "application/odd";
  files["index.json"] = to_json(images::Index{{odd}});
  EXPECT_THAT(refusal_of(as_tar(files)), HasSubstr("\"application/odd\" is no image"));

  odd.media_type = images::kOciManifest;
  ++odd.size;
  files["index.json"] = to_json(images::Index{{odd}});
  EXPECT_THAT(refusal_of(as_tar(files)), HasSubstr("bytes instead of"));

  const images::Manifest fewer{add_blob(files, images::kOciConfig, config_of({"x"})), {}};
  files["index.json"] =
      to_json(images::Index{{add_blob(files, images::kOciManifest, to_json(fewer))}});
  EXPECT_THAT(refusal_of(as_tar(files)), HasSubstr("names 1 layers, the manifest 0"));

  Descriptor nested = odd;
  for (int i = 0; i < 6; ++i) {
    nested = add_blob(files, images::kOciIndex, to_json(images::Index{{nested}}));
  }
  files["index.json"] = to_json(images::Index{{nested}});
  EXPECT_THAT(refusal_of(as_tar(files)), HasSubstr("nested too deep"));
}

TEST_F(Import, NeverFollowsALinkOutOfALayoutsDirectory) {
  const std::string from = as_directory(layout_of({layer_with("a")}, "x"));
  write_text(dir_ / "secret", R"({"schemaVersion":2,"manifests":[]})");
  ASSERT_EQ(::unlink((from + "/index.json").c_str()), 0);
  ASSERT_EQ(::symlink((dir_ / "secret").c_str(), (from + "/index.json").c_str()), 0);
  EXPECT_THAT(refusal_of(from), HasSubstr("is no image"));
  ASSERT_EQ(::unlink((from + "/index.json").c_str()), 0);
  make_dirs(from + "/index.json");
  EXPECT_THAT(refusal_of(from), HasSubstr("is no file"));
}

}  // namespace
}  // namespace minidocker::images_unpack
