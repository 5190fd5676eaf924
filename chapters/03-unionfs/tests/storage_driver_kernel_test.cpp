// All storage drivers make the same root of the same layers, and what is done in one has the same
// effect in another. MD_SEED=N repeats a run.
#include "minidocker/unionfs/storage_driver.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "minidocker/testing/needs.hpp"
#include "minidocker/testing/observe.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/mount.hpp"
#include "minidocker/unionfs/fuse_overlay.hpp"
#include "minidocker/unionfs/overlay.hpp"
#include "random_scenarios.hpp"
#include "steps.hpp"
#include "tree_snapshot.hpp"

namespace minidocker::unionfs {
namespace {

using unionfs::testing::difference;
using unionfs::testing::first_seed;
using unionfs::testing::lines_of;
using unionfs::testing::Operation;
using unionfs::testing::random_operations;
using unionfs::testing::Scenario;
using unionfs::testing::Snapshot;
using unionfs::testing::snapshot;
using unionfs::testing::try_seeds;
using Words = std::vector<std::string>;

/// A root made by a driver, mounted while this lives.
class Root {
 public:
  Root(const StorageDriver& driver, const std::vector<std::string>& layers, const std::string& dir)
      : place_{layers, dir + "/upper", dir + "/work", dir + "/root"} {
    make_dirs(place_.upper);
    const struct timespec times[2] = {{1, 0}, {2, 0}};  // "/" is the upper directory
    EXPECT_EQ(::utimensat(AT_FDCWD, place_.upper.c_str(), times, 0), 0);
    driver.prepare(place_);
    const OverlayLayers overlay{place_.layers, place_.upper, place_.work};
    if (driver.form() == RootForm::overlay) {
      mount_ = Mount::make("overlay", place_.target, "overlay", 0, overlay_options(overlay));
    } else if (driver.form() == RootForm::fuse) {
      fuse_ = start_fuse_overlay(minidocker::testing::path_of("fuse-overlayfs"), overlay);
      attach(fuse_, place_.target);
    }
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  ~Root() {
    if (!fuse_.server) return;
    EXPECT_EQ(::umount(place_.target.c_str()), 0);
    // Nobody told it to: the kernel has ended the connection.
    EXPECT_TRUE(fuse_.server.wait_for(std::chrono::seconds(10)));
  }
  [[nodiscard]] const std::string& path() const { return place_.target; }

 private:
  RootPlace place_;
  Mount mount_;
  FuseOverlay fuse_;
};

mode_t type_of(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & S_IFMT : 0;
}

/// Does what all can do alike. The kernel's overlay renames no directory of a lower layer (EXDEV),
/// after which every program copies; and of a device or FIFO of a layer with two names it shows two
/// inode numbers, as it can put no attribute of its own on it.
void perform_alike(const std::string& root, const Operation& operation) {
  const std::string words = unionfs::testing::in_words(operation);
  const bool is_rename = words.starts_with("rename") || words.starts_with("exchange");
  const Words paths = unionfs::testing::paths_of(operation);
  if (words.starts_with("link") && type_of(root + "/" + paths[0]) != S_IFREG) return;
  for (const std::string& path : paths) {
    if (is_rename && type_of(root + "/" + path) == S_IFDIR) return;
  }
  unionfs::testing::perform(root, operation);
}

/// Operations but those that begin with one of `words`.
std::vector<Operation> without(const Words& words, std::vector<Operation> operations) {
  std::erase_if(operations, [&words](const Operation& operation) {
    return std::ranges::any_of(words, [&operation](const std::string& word) {
      return unionfs::testing::in_words(operation).starts_with(word);
    });
  });
  return operations;
}

/// Three layers, each the work of somebody in an overlay of those below; the topmost first.
std::vector<std::string> build_layers(const std::vector<std::vector<Operation>>& work,
                                      const std::string& base) {
  std::vector<std::string> layers;
  for (const std::vector<Operation>& operations : work) {
    const std::string layer = fmt::format("{}/layer-{}", base, layers.size());
    make_dirs(layer);
    make_dirs(layer + ".work");
    make_dirs(base + "/merged");
    Mount mount;
    if (!layers.empty()) {
      mount = Mount::make("overlay", base + "/merged", "overlay", 0,
                          overlay_options({layers, layer, layer + ".work"}));
    }
    for (const Operation& operation : operations) {
      unionfs::testing::perform(layers.empty() ? layer : mount.target(), operation);
    }
    layers.insert(layers.begin(), layer);
  }
  return layers;
}

/// What is compared of a file.
using Trim = void (*)(struct stat& status);

/// What was touched by the test is as good as any other time since.
void but_times_of_today(struct stat& status) {
  if (status.st_mtim.tv_sec > 1'700'000'000) status.st_mtim = {};
}

/// fuse-overlayfs 1.10 loses times, and bits of directories, when it takes something up.
void but_times_and_special_bits(struct stat& status) {
  status.st_mtim = {};
  status.st_mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
}

Words trimmed_lines_of(Snapshot tree, Trim trim) {
  for (auto& [path, node] : tree) trim(node.status);
  return lines_of(tree);
}

/// Not any: fuse-overlayfs 1.10 shows a directory as empty that is not, once in thousands of random
/// stacks (MD_SEED=3124255326 is one).
std::uint32_t first_seed_of_fuse() { return ::getenv("MD_SEED") != nullptr ? first_seed() : 1; }

/// What `body` says, of an empty directory that it may fill.
std::string in_base(const std::function<std::string(const std::string&)>& body) {
  const std::string base = "/tmp/base";
  make_dirs(base);
  std::string wrong = body(base);
  remove_tree(base);
  return wrong;
}

/// Random layers through `driver` and through overlay.
void compare_with_overlay(const StorageDriver& driver, std::uint32_t first, std::uint32_t count) {
  const auto make = [](std::mt19937& random) {
    Scenario scenario;
    scenario.layers.resize(1 + random() % 4);
    for (auto& operations : scenario.layers) operations = random_operations(random, 40);
    return scenario;
  };
  const auto oracle = [&driver](const Scenario& scenario) {
    return in_base([&](const std::string& base) {
      const std::vector<std::string> layers = build_layers(scenario.layers, base);
      const Root overlay(storage_driver("overlay"), layers, base + "/overlay");
      const Root root(driver, layers, base + "/root");
      return difference(std::string(driver.name()), lines_of(snapshot(overlay.path())),
                        lines_of(snapshot(root.path())));
    });
  };
  minidocker::testing::in_sandbox([&] { try_seeds(first, count, make, oracle); });
}

TEST(StorageDrivers, ShowTheSameLayersTheSameWay) {
  MD_NEEDS("root", "overlay");
  compare_with_overlay(storage_driver("vfs"), first_seed(), 150);
}

TEST(StorageDrivers, FuseOverlayfsShowsTheSameLayersTheSameWay) {
  MD_NEEDS("root", "overlay", "fuse-overlayfs");
  compare_with_overlay(storage_driver("fuse-overlayfs"), first_seed_of_fuse(), 150);
}

TEST(StorageDrivers, AreFoundByNameAndUnknownOnesAreToldWhichThereAre) {
  for (const StorageDriver* driver : storage_drivers()) {
    EXPECT_EQ(&storage_driver(driver->name()), driver);
  }
  EXPECT_EQ(storage_driver("overlay2").name(), "overlay");
  EXPECT_THROW(static_cast<void>(storage_driver("")), Error);
}

TEST(StorageDrivers, AreTriedByRealMounts) {
  MD_NEEDS("root", "overlay", "fuse-overlayfs");
  minidocker::testing::in_sandbox([] {
    const std::string program = minidocker::testing::path_of("fuse-overlayfs");
    ::setenv("PATH", program.substr(0, program.rfind('/')).c_str(), 1);
    for (const StorageDriver* driver : storage_drivers()) {
      make_dirs("/tmp/probe");
      EXPECT_EQ(driver->why_not("/tmp/probe"), std::nullopt) << driver->name();
      remove_tree("/tmp/probe");  // nothing is mounted in it
    }
    make_dirs("/tmp/ram");
    EXPECT_EQ(::mount("none", "/tmp/ram", "ramfs", 0, nullptr), 0);
    EXPECT_NE(storage_driver("overlay").why_not("/tmp/ram"), std::nullopt)
        << "mounts, but cannot remove a directory of a layer";
  });
}

TEST(StorageDrivers, OnAnOverlayTheReasonIsNotTheKernelsEinval) {
  MD_NEEDS("root", "overlay");
  minidocker::testing::in_sandbox([] {
    for (const char* dir : {"/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/below"}) make_dirs(dir);
    const Mount below = Mount::make("overlay", "/tmp/below", "overlay", 0,
                                    overlay_options({{"/tmp/lower"}, "/tmp/upper", "/tmp/work"}));
    const std::string reason = storage_driver("overlay").why_not("/tmp/below").value_or("");
    EXPECT_NE(reason.find("no other overlay can stand"), std::string::npos) << reason;
  });
}

TEST(StorageDrivers, FuseOverlayfsIsNotGivenAPathThatItWouldTakeApart) {
  MD_NEEDS("root", "fuse-overlayfs");
  for (const char* path : {"/a:b", "/a,b", "/a\\b"}) {
    try {
      static_cast<void>(start_fuse_overlay("/bin/true", {{path}, "/u", "/w"}));
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument) << error.what();
    }
  }
}

/// Layers that are alike; what a container does on top of them ends alike with `driver` and with
/// the kernel's overlay.
void compare_effects(const StorageDriver& driver, const Words& left_out, Trim trim,
                     std::uint32_t first) {
  // Links in layers are not compared: to write to one of two names of a lower file parts them in
  // an overlay, as its index is off, and not in a copy.
  const auto make = [&left_out](std::mt19937& random) {
    Scenario scenario;
    scenario.layers.resize(1 + random() % 3);
    for (auto& operations : scenario.layers) {
      operations = without(left_out, without({"link"}, random_operations(random, 40)));
    }
    scenario.work = without(left_out, random_operations(random, 40));
    return scenario;
  };
  const auto oracle = [&](const Scenario& scenario) {
    return in_base([&](const std::string& base) {
      const std::vector<std::string> layers = build_layers(scenario.layers, base);
      const auto end_of = [&](const StorageDriver& of) {
        const Root root(of, layers, base + "/" + std::string(of.name()));
        for (const Operation& operation : scenario.work) perform_alike(root.path(), operation);
        return trimmed_lines_of(snapshot(root.path()), trim);
      };
      return difference(std::string(driver.name()), end_of(storage_driver("overlay")),
                        end_of(driver));
    });
  };
  minidocker::testing::in_sandbox([&] { try_seeds(first, 60, make, oracle); });
}

TEST(StorageDrivers, WhatIsDoneInACopyIsAsIfDoneInAnOverlay) {
  MD_NEEDS("root", "overlay");
  compare_effects(storage_driver("vfs"), {}, but_times_of_today, first_seed());
}

// fuse-overlayfs 1.10 makes regular files of FIFOs when it takes them up from a layer, takes up no
// devices, forgets owners of links and directories, and shows names of a lower directory again that
// was removed, or renamed, and made anew.
const Words kUnlikeTheKernel = {"mkfifo", "mknod",    "symlink", "chown",
                                "rename", "exchange", "rm -rf",  "rmdir"};

TEST(StorageDrivers, WhatIsDoneInAServedOverlayIsAsIfDoneInTheKernels) {
  MD_NEEDS("root", "overlay", "fuse-overlayfs");
  compare_effects(storage_driver("fuse-overlayfs"), kUnlikeTheKernel, but_times_and_special_bits,
                  first_seed_of_fuse());
}

}  // namespace
}  // namespace minidocker::unionfs
