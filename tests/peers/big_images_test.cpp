/// \file
/// Images with many files or many layers, written by one peer, loaded and saved by us, and read by
/// another: all of the tree is compared. In memory: a disk would be what takes the time.
#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "image_exchange.hpp"
#include "minidocker/testing/dockerd.hpp"
#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/testing/podman.hpp"
#include "minidocker/testing/sandbox.hpp"
#include "rich_tree.hpp"

namespace minidocker::testing {
namespace {

class BigImages : public ImageExchange {
 protected:
  void in_memory(const std::function<void()>& body) const {
    in_own_world([this, &body] {
      mount_empty({dir()});
      body();
    });
  }
  void make_many_files() const;
  void make_many_layers() const;
};

// Whole seconds: umoci writes no others.
void set_time(const std::string& path, time_t seconds) {
  const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0) << path;
}

void BigImages::make_many_files() const {
  ASSERT_EQ(::mkdir(at("source").c_str(), 0755), 0);
  for (int i = 0; i < 1000; ++i) {
    const std::string in = at(fmt::format("source/{}", i));
    ASSERT_EQ(::mkdir(in.c_str(), 0755), 0);
    for (int k = 0; k < 99; ++k) {
      const std::string path = fmt::format("{}/file-{}", in, k);
      write_text(path, fmt::format("This is file {} of directory {}.\n", k, i));
      set_time(path, 1'000'000'000 + i * 1000 + k);
    }
    set_time(in, 1'000'000'000 + i);
  }
  set_time(at("source"), 1'000'000'000);
}

// On the test image's layers: each third layer removes what the one before it has added, every one
// adds a file to one of five directories and replaces another file.
void BigImages::make_many_layers() const {
  ours({"load", "-i", path_of("busybox")}, "base");
  ours({"save", "--layout", at("layers"), "busybox"}, "base");
  call({"sh", "-ec",
        "cd $1; for i in $(seq 90); do mkdir -p in$i/d$((i % 5)); "
        "echo $i | tee in$i/last >in$i/d$((i % 5))/f$i; "
        "$2 insert --image layers:latest in$i /layers; [ $((i % 3)) != 0 ] || "
        "$2 insert --image layers:latest --whiteout /layers/d$(((i - 1) % 5))/f$((i - 1)); done",
        "sh", dir(), path_of("umoci")});
}

TEST_F(BigImages, ADebianGoesFromBuildahThroughUsToUmoci) {
  MD_NEEDS("root", "debian-root", "buildah", "umoci");
  in_memory([this] {
    call({"mkdir", at("source")});
    call({"tar", "-C", at("source"), "-xpf", path_of("debian-root")});
    const TreeDescription source = describe_tree(at("source"));
    EXPECT_GT(source.size(), 9'000U);
    const Buildah buildah(dir());
    const std::string container = buildah({"from", "scratch"});
    buildah({"add", "-q", container, path_of("debian-root"), "/"});
    buildah({"commit", "-q", container, "oci-archive:" + at("debian") + ":debian:latest"});
    const std::string state = load_and_save("debian");
    const TreeDescription tree = unpacked(state);
    expect_same_but({lossy::kRoot}, tree, source);
    ours({"save", "--layout", at("layout"), "debian"}, state);
    expect_same_but({lossy::kRoot}, tree, umoci_unpack("layout"));
  });
}

TEST_F(BigImages, AHundredThousandFilesGoFromUmociThroughUsToDockerd) {
  MD_NEEDS("root", "umoci", "dockerd");
  in_memory([this] {
    make_many_files();
    const TreeDescription source = describe_tree(at("source"));
    EXPECT_EQ(source.size(), 100'001U);
    umoci_make("layout", at("source"));
    expect_same_but({}, unpacked(load_and_save("layout")), source);
    const Dockerd dockerd({.dir = dir()});
    const CommandOptions patient{.limit = std::chrono::minutes(3)};
    const std::string told =
        dockerd.docker({"load", "-q", "-i", at("layout-saved.tar")}, patient).out;
    const std::string id = lines_of(told).at(0).substr(std::string("Loaded image ID: ").size());
    const Words inspect{"inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", id};
    const std::string theirs = lines_of(dockerd.docker(inspect).out).at(0);
    expect_same_but({}, describe_tree(theirs), source);
  });
}

TEST_F(BigImages, AHundredAndTwentyLayersGoFromUmociThroughUsToSkopeoAndUmoci) {
  MD_NEEDS("root", "overlay", "umoci", "skopeo", "busybox");
  in_memory([this] {
    make_many_layers();
    const std::string state = load_and_save("layers");
    EXPECT_EQ(lines_of(call({"ls", at(state) + "/layers/sha256"})).size(), 123U);
    skopeo_copy({"oci-archive:" + at("layers-saved.tar"), "oci:" + at("again") + ":latest"});
    EXPECT_EQ(manifest_digest("again"), manifest_digest("layers"));
    const TreeDescription theirs = umoci_unpack("again");
    EXPECT_FALSE(theirs.contains("layers/d2/f2"));
    for (const char* driver : {"overlay", "vfs"}) {
      const std::string name = lines_of(ours({"images", "-q"}, state).out).at(0);
      ours({"--storage-driver", driver, "run", "--name", driver, "--network", "none", name, "true"},
           state);
      ours({"export", "-o", at("root.tar"), driver}, state);
      ours({"rm", driver}, state);
      call({"sh", "-c", "mkdir $1 && tar -C $1 -xpf $2", "sh", at(driver), at("root.tar")});
      // umoci writes a whiteout without its directory: of those that no later layer holds, the time
      // is that of our making them.
      expect_same_but({lossy::kRoot, "d1", "d4"}, describe_tree(at(driver) + "/layers"),
                      describe_tree(at("again-bundle/rootfs/layers")));
    }
  });
}

}  // namespace
}  // namespace minidocker::testing
