/// \file
/// Images of a rich tree that we save: others read them, under the same digests, and unpack that
/// very tree but for what the reader loses.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "image_exchange.hpp"
#include "minidocker/testing/dockerd.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/podman.hpp"
#include "rich_tree.hpp"

namespace minidocker::testing {
namespace {

class SavedImages : public ImageExchange {
 protected:
  /// Makes an image of a rich tree and saves it, as an archive and as a layout; what we unpacked.
  TreeDescription save() const {
    make_rich_tree(at("source"));
    call({"tar", "--format=posix", "--xattrs", "--xattrs-include=*", "-C", at("source"), "-cf",
          at("source.tar"), "."});
    ours({"import", at("source.tar"), "rich"});
    ours({"save", "-o", at("saved.tar"), "rich"});
    ours({"save", "--layout", at("layout"), "rich"});
    TreeDescription tree = unpacked("ours");
    expect_same_but({}, tree, describe_tree(at("source")));
    return tree;
  }
};

TEST_F(SavedImages, UmociUnpacks) {
  MD_NEEDS("root", "umoci");
  const TreeDescription tree = save();
  // It knows no times after 2262, nor attributes without a value.
  expect_same_but({lossy::kEmptyAttribute, lossy::kLater}, tree, umoci_unpack("layout"));
}

TEST_F(SavedImages, PodmanUnpacks) {
  MD_NEEDS("root", "podman");
  in_own_world([this] {
    const TreeDescription tree = save();
    const Podman podman(dir());
    for (const char* form : {"docker-archive", "oci-archive"}) {
      const std::string name = podman({"pull", "-q", std::string(form) + ":" + at("saved.tar")});
      EXPECT_EQ("sha256:" + name, id("rich"));
      // Times before 1970 and after 2262 become 1970; the root and attributes without value are
      // lost.
      expect_same_but({lossy::kRoot, lossy::kBefore, lossy::kEmptyAttribute, lossy::kLater}, tree,
                      describe_tree(podman({"image", "mount", name})));
      podman({"rmi", "-f", name});
    }
  });
}

TEST_F(SavedImages, BuildahUnpacks) {
  MD_NEEDS("root", "buildah");
  in_own_world([this] {
    const TreeDescription tree = save();
    const Buildah buildah(dir());
    const std::string container = buildah({"from", "-q", "oci-archive:" + at("saved.tar")});
    EXPECT_EQ("sha256:" + buildah({"inspect", "-f", "{{.FromImageID}}", container}), id("rich"));
    EXPECT_EQ(buildah({"inspect", "-f", "{{.FromImageDigest}}", container}),
              manifest_digest("saved.tar"));
    // As podman: they share the code.
    expect_same_but({lossy::kRoot, lossy::kBefore, lossy::kEmptyAttribute, lossy::kLater}, tree,
                    describe_tree(buildah({"mount", container})));
  });
}

TEST_F(SavedImages, DockerdUnpacks) {
  MD_NEEDS("root", "dockerd");
  in_own_world([this] {
    const TreeDescription tree = save();
    const Dockerd dockerd({.dir = dir()});
    EXPECT_EQ(dockerd.docker({"load", "-q", "-i", at("saved.tar")}).exit_code, 0);
    const Words inspect{"inspect", "-f", "{{.Id}}\n{{.GraphDriver.Data.UpperDir}}", "rich"};
    const Words told = lines_of(dockerd.docker(inspect).out);
    EXPECT_EQ(told.at(0), id("rich"));
    expect_same_but({lossy::kRoot, lossy::kBefore, lossy::kEmptyAttribute, lossy::kLater}, tree,
                    describe_tree(told.at(1)));
  });
}

}  // namespace
}  // namespace minidocker::testing
