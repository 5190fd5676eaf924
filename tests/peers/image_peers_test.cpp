/// \file
/// Images on their way between mini-docker and others: skopeo, umoci, dockerd. What comes back has
/// the digests that it went with, and what is unpacked is the same tree.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "image_exchange.hpp"
#include "minidocker/testing/dockerd.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/run_command.hpp"
#include "minidocker/testing/sandbox.hpp"

namespace minidocker::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;
using Words = std::vector<std::string>;

class ImagePeers : public ImageExchange {
 protected:
  /// Loads the test image and saves it.
  [[nodiscard]] std::string saved() const {
    ours({"load", "-i", path_of("busybox")});
    ours({"save", "-o", at("saved.tar"), "busybox"});
    return at("saved.tar");
  }
};

TEST_F(ImagePeers, SkopeoReadsBothFormsOfWhatWeSaveAndWeReadWhatItWrites) {
  MD_NEEDS("root", "skopeo", "busybox");
  in_own_world([this] {
    const std::string tar = saved();
    skopeo_copy({"oci-archive:" + tar, "oci:" + at("layout") + ":busybox:latest"});
    ours({"load", "-i", at("layout")}, "from-layout");
    EXPECT_EQ(blobs("from-layout"), blobs("ours")) << "byte by byte what we had";
    skopeo_copy({"docker-archive:" + tar, "docker-archive:" + at("docker.tar") + ":busybox:again"});
    ours({"load", "-i", at("docker.tar")}, "from-docker");
    EXPECT_EQ(id("busybox:again", "from-docker"), id("busybox"));
    skopeo_copy({"docker-archive:" + tar, "oci-archive:" + at("oci.tar") + ":busybox:latest"});
    EXPECT_EQ(ours({"load", "-i", at("oci.tar")}, "from-oci").out,
              "Loaded image: busybox:latest\n");
  });
}

TEST_F(ImagePeers, UmociUnpacksWhatWeSaveToTheSameTree) {
  MD_NEEDS("root", "overlay", "umoci", "busybox");
  ours({"load", "-i", path_of("busybox")});
  ours({"save", "--layout", at("layout"), "busybox"});
  call({path_of("umoci"), "unpack", "--image", at("layout") + ":latest", at("bundle")});
  ours({"run", "--name", "one", "busybox", "true"});
  ours({"export", "-o", at("root.tar"), "one"});
  ours({"rm", "one"});
  // Type, mode, owner, size, time, target of every name but what each container gets of its own.
  const std::string list =
      "cd $1 && find . -mindepth 1 ! -path './etc/host*' ! -path ./etc/resolv.conf ! -path "
      "./etc/mtab ! -path "
      "./.dockerenv ! -path './dev*' ! -path ./etc ! -path './proc*' ! -path './sys*' ! -path "
      "./run -printf '%y %m %U:%G %s %T@ %n %p %l\\n' | sed 's/^d \\([^ ]* [^ ]*\\) [0-9]* /d \\1 "
      "/' "
      "| sort";
  call({"sh", "-c", "mkdir $1 && tar -xpf $2 -C $1", "sh", at("root"), at("root.tar")});
  const std::string theirs = run_command({"sh", "-c", list, "sh", at("bundle/rootfs")}).out;
  EXPECT_GT(lines_of(theirs).size(), 300U);
  EXPECT_EQ(run_command({"sh", "-c", list, "sh", at("root")}).out, theirs);
}

TEST_F(ImagePeers, DockerdLoadsWhatWeSaveAndWeLoadWhatItSaves) {
  MD_NEEDS("root", "dockerd", "busybox");
  in_sandbox([this] {
    const Dockerd dockerd({.dir = dir()});
    EXPECT_EQ(dockerd.docker({"load", "-i", saved()}).out, "Loaded image: busybox:latest\n");
    const CommandResult inspected = dockerd.docker({"inspect", "busybox"});
    ASSERT_EQ(inspected.exit_code, 0) << inspected.in_words();
    const json theirs = json::parse(inspected.out).at(0);
    const json mine = json::parse(ours({"inspect", "busybox"}).out).at(0);
    for (const char* member : {"Id", "RepoTags", "Created", "Architecture", "Os", "RootFS",
                               "Comment", "Author", "Parent", "Size"}) {
      EXPECT_EQ(theirs.at(member), mine.at(member)) << member;
    }
    for (const auto& [key, value] : mine.at("Config").items()) {
      EXPECT_EQ(theirs.at("Config").at(key), value) << key;
    }
    const Words history{"history", "--no-trunc", "--format", "{{.ID}}|{{.CreatedBy}}|{{.Size}}",
                        "busybox"};
    EXPECT_EQ(dockerd.docker(history).out, ours(history).out);

    EXPECT_EQ(dockerd.docker({"tag", "busybox", "h:5000/box:2"}).exit_code, 0);
    EXPECT_EQ(dockerd.docker({"save", "-o", at("theirs.tar"), "busybox", "h:5000/box:2"}).exit_code,
              0);
    EXPECT_THAT(lines_of(ours({"load", "-i", at("theirs.tar")}, "back").out),
                ::testing::UnorderedElementsAre("Loaded image: busybox:latest",
                                                "Loaded image: h:5000/box:2"));
    EXPECT_EQ(id("h:5000/box:2", "back"), id("busybox"));
    // The same words for what is removed.
    const Words remove{"rmi", "h:5000/box:2", "busybox"};
    EXPECT_EQ(dockerd.docker(remove).out, ours(remove, "back").out);
  });
}

}  // namespace
}  // namespace minidocker::testing
