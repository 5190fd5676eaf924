#include "minidocker/unionfs/storage_driver.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>

#include <algorithm>
#include <array>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mount.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/fuse_overlay.hpp"
#include "minidocker/unionfs/merged_copy.hpp"
#include "minidocker/unionfs/overlay.hpp"

namespace minidocker::unionfs {
namespace {

// --- overlays ----------------------------------------------------------------------------------

void prepare_overlay(const RootPlace& place) {
  make_dirs(place.work);
  make_dirs(place.target);
}

/// Two layers with something to hide, and what an overlay of them needs.
OverlayLayers make_trial(const std::string& dir) {
  for (const char* name : {"/lower/again/gone", "/upper", "/work", "/merged"}) {
    make_dirs(dir + name);
  }
  return {{dir + "/lower"}, dir + "/upper", dir + "/work"};
}

/// A directory of the layer goes, and comes again empty: for that an overlay must be able to mark
/// what is gone, and a directory as opaque, where its upper directory lies.
void exercise(const std::string& merged) {
  const std::string again = merged + "/again";
  const std::string gone = again + "/gone";
  sys::rmdir(gone.c_str()).or_throw(quoted(gone));
  sys::rmdir(again.c_str()).or_throw(quoted(again));
  sys::mkdir(again.c_str(), 0755).or_throw(quoted(again));
  if (list_dir(again).empty()) return;
  throw Error(ErrorKind::unavailable,
              fmt::format("{}: what was removed shows through again", quoted(again)));
}

bool lies_on_overlay(const std::string& dir) {
  const UniqueFd fd = sys::open(dir.c_str(), O_PATH | O_DIRECTORY).or_throw(quoted(dir));
  return sys::fstatfs(fd.get()).or_throw(quoted(dir)).f_type == OVERLAYFS_SUPER_MAGIC;
}

class OverlayDriver final : public StorageDriver {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "overlay"; }
  [[nodiscard]] RootForm form() const noexcept override { return RootForm::overlay; }
  [[nodiscard]] std::optional<std::string> why_not(const std::string& dir) const override try {
    // The kernel's own words, EINVAL, would say less.
    if (lies_on_overlay(dir)) return "it lies on an overlay, on which no other overlay can stand";
    const OverlayLayers layers = make_trial(dir);
    const Mount mount =
        Mount::make("overlay", dir + "/merged", "overlay", 0, overlay_options(layers));
    exercise(mount.target());
    return std::nullopt;
  } catch (const Error& error) {
    return error.what();
  }
  void prepare(const RootPlace& place) const override { prepare_overlay(place); }
};

class FuseDriver final : public StorageDriver {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "fuse-overlayfs"; }
  [[nodiscard]] RootForm form() const noexcept override { return RootForm::fuse; }
  [[nodiscard]] std::optional<std::string> why_not(const std::string& dir) const override try {
    const std::optional<std::string> program = find_fuse_overlayfs();
    if (!program) return "the program fuse-overlayfs is not in PATH";
    const OverlayLayers layers = make_trial(dir);
    const FuseOverlay overlay = start_fuse_overlay(*program, layers);
    exercise(FdPath(overlay.mount.get()).c_str());
    return std::nullopt;
  } catch (const Error& error) {
    return error.what();
  }
  void prepare(const RootPlace& place) const override { prepare_overlay(place); }
};

// --- copies ------------------------------------------------------------------------------------

class VfsDriver final : public StorageDriver {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "vfs"; }
  [[nodiscard]] RootForm form() const noexcept override { return RootForm::directory; }
  [[nodiscard]] std::optional<std::string> why_not(const std::string&) const override {
    return std::nullopt;  // whoever can keep layers there can keep copies of them
  }
  void prepare(const RootPlace& place) const override {
    make_dirs(place.target);
    std::vector<std::string> layers = place.layers;
    layers.insert(layers.begin(), place.upper);
    copy_merged(layers, place.target);
    remove_tree(place.upper);  // it is in the copy
  }
};

const OverlayDriver kOverlay;
const FuseDriver kFuse;
const VfsDriver kVfs;
constexpr std::array<const StorageDriver*, 3> kDrivers{&kOverlay, &kFuse, &kVfs};

}  // namespace

std::span<const StorageDriver* const> storage_drivers() noexcept { return kDrivers; }

const StorageDriver& storage_driver(std::string_view name) {
  const std::string_view wanted = name == "overlay2" ? "overlay" : name;
  const auto* place = std::ranges::find(kDrivers, wanted, &StorageDriver::name);
  if (place != kDrivers.end()) return **place;
  std::string known;
  for (const StorageDriver* driver : kDrivers) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", driver->name());
  }
  throw Error(ErrorKind::invalid_argument,
              fmt::format("unknown storage driver: {}; there are {}", quoted(name), known));
}

}  // namespace minidocker::unionfs
