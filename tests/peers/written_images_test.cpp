/// \file
/// Images that others write of a rich tree: we unpack that very tree, but for what the writer
/// loses, and save the image under the digest that it came with.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "image_exchange.hpp"
#include "minidocker/testing/dockerd.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/podman.hpp"
#include "rich_tree.hpp"

namespace minidocker::testing {
namespace {

class WrittenImages : public ImageExchange {
 protected:
  /// Makes the tree, and an archive of it that has lost nothing.
  TreeDescription make_source() const {
    make_rich_tree(at("source"));
    call({"tar", "--format=posix", "--xattrs", "--xattrs-include=*", "-C", at("source"), "-cf",
          at("source.tar"), "."});
    return describe_tree(at("source"));
  }
  /// Loads a docker archive that holds one image; its state.
  [[nodiscard]] std::string load(const std::string& name) const {
    ours({"load", "-i", at(name)}, name + "-loaded");
    return name + "-loaded";
  }
};

TEST_F(WrittenImages, OfUmociAreUnpackedAsTheyWere) {
  MD_NEEDS("root", "umoci");
  const TreeDescription source = make_source();
  umoci_make("layout", at("source"));
  const TreeDescription tree = unpacked(load_and_save("layout"));
  // It writes whole seconds, and no attribute without a value.
  expect_same_but({lossy::kBefore, lossy::kEmptyAttribute, lossy::kExact}, tree, source);
  // It does not unpack times after 2262.
  expect_same_but({lossy::kLater}, tree, umoci_unpack("layout"));
}

TEST_F(WrittenImages, OfBuildahAreUnpackedAsTheyWere) {
  MD_NEEDS("root", "buildah");
  in_own_world([this] {
    const TreeDescription source = make_source();
    const Buildah buildah(dir());
    const std::string container = buildah({"from", "scratch"});
    buildah({"add", "-q", container, at("source.tar"), "/"});
    buildah({"commit", "-q", container, "oci-archive:" + at("oci.tar") + ":rich:1"});
    buildah({"commit", "-q", "--format", "docker", container,
             "docker-archive:" + at("docker.tar") + ":rich:1"});
    // It writes what umoci does, no entry for the root, and no time after 2262 (it unpacks none).
    const std::vector<std::string> losses{lossy::kRoot, lossy::kBefore, lossy::kEmptyAttribute,
                                          lossy::kExact, lossy::kLater};
    expect_same_but(losses, unpacked(load_and_save("oci.tar")), source);
    expect_same_but(losses, unpacked(load("docker.tar")), source);
  });
}

TEST_F(WrittenImages, OfPodmanAreUnpackedAsTheyWere) {
  MD_NEEDS("root", "podman");
  in_own_world([this] {
    const TreeDescription source = make_source();
    const Podman podman(dir());
    const std::string id = podman({"import", "-q", at("source.tar"), "localhost/rich:1"});
    podman({"save", "-q", "--format", "oci-archive", "-o", at("oci.tar"), "localhost/rich:1"});
    podman(
        {"save", "-q", "--format", "docker-archive", "-o", at("docker.tar"), "localhost/rich:1"});
    // It keeps archives as they are.
    expect_same_but({}, unpacked(load_and_save("oci.tar")), source);
    expect_same_but({}, unpacked(load("docker.tar")), source);
    EXPECT_EQ(this->id("localhost/rich:1", "docker.tar-loaded"), id);
  });
}

TEST_F(WrittenImages, OfDockerdAreUnpackedAsTheyWere) {
  MD_NEEDS("root", "dockerd");
  in_own_world([this] {
    const TreeDescription source = make_source();
    const Dockerd dockerd({.dir = dir()});
    const std::string id = dockerd.docker({"import", at("source.tar"), "rich:1"}).out;
    EXPECT_EQ(dockerd.docker({"save", "-o", at("docker.tar"), "rich:1"}).exit_code, 0);
    expect_same_but({}, unpacked(load("docker.tar")), source);
    EXPECT_EQ(this->id("rich:1", "docker.tar-loaded") + "\n", id);
  });
}

TEST_F(WrittenImages, OfSkopeoAreUnpackedAsTheyWere) {
  MD_NEEDS("root", "skopeo");
  in_own_world([this] {
    const TreeDescription source = make_source();
    ours({"import", at("source.tar"), "rich"});
    ours({"save", "--layout", at("layout"), "rich"});
    const std::string from = "oci:" + at("layout") + ":latest";
    for (const char* compression : {"gzip", "zstd"}) {
      const std::string name = std::string(compression) + ".tar";
      skopeo_copy(
          {"--dest-compress-format", compression, from, "oci-archive:" + at(name) + ":rich"});
      expect_same_but({}, unpacked(load_and_save(name)), source);
    }
    skopeo_copy({from, "docker-archive:" + at("docker.tar") + ":rich:1"});
    expect_same_but({}, unpacked(load("docker.tar")), source);
    EXPECT_EQ(id("rich:1", "docker.tar-loaded"), id("rich"));
  });
}

}  // namespace
}  // namespace minidocker::testing
