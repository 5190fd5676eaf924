#include "storage.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>

#include <array>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/pipe.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/unionfs/detached.hpp"
#include "minidocker/unionfs/fuse_overlay.hpp"
#include "minidocker/unionfs/overlay.hpp"
#include "settings.hpp"

namespace minidocker::engine {
namespace {

using unionfs::RootForm;
using unionfs::StorageDriver;

constexpr const char* kKey = "storage-driver";

std::string probe_dir(const Paths& paths) { return paths.state + "/probe"; }

/// Said before anything is unpacked there: the kernel's own words come late and are about a file.
/// No driver helps: all of them read layers, which are made of whiteouts and attributes.
void require_place_for_layers(const std::string& dir) {
  const UniqueFd fd = sys::open(dir.c_str(), O_PATH | O_DIRECTORY).or_throw(dir);
  if (sys::fstatfs(fd.get()).or_throw(dir).f_type == OVERLAYFS_SUPER_MAGIC) {
    throw Error(ErrorKind::unavailable,
                fmt::format("{}: it lies on an overlay, where neither layers with whiteouts can be "
                            "kept nor other overlays stand; hint: choose a directory of another "
                            "filesystem with --root",
                            quoted(dir)));
  }
  unionfs::require_user_xattrs(dir);
}

/// Asks mini-shim: we must not change our own namespaces.
std::optional<std::string> why_not(const StorageDriver& driver, const Paths& paths,
                                   const FileLock& opening) {
  const trace::Scope scope("03-unionfs", fmt::format("try storage driver {}", driver.name()),
                           "only a mount shows whether there can be one");
  make_dirs(probe_dir(paths), 0700);
  Pipe answer = Pipe::make();
  const std::array<std::pair<int, int>, 2> fds{{{answer.write_end.get(), 1}, {opening.fd(), 3}}};
  Process process = Process::spawn(
      {paths.programs + "/mini-shim", "probe", std::string(driver.name()), probe_dir(paths)}, fds);
  answer.write_end.reset();
  std::string reason = read_all(answer.read_end.get(), "the answer of mini-shim probe");
  const int code = process.wait().shell_code();
  remove_tree(probe_dir(paths));
  if (code != 0) return fmt::format("mini-shim probe ended with exit code {}", code);
  if (reason.empty()) return std::nullopt;
  return reason;
}

[[noreturn]] void refuse(const StorageDriver& driver, const Paths& paths,
                         const std::string& reason) {
  throw Error(ErrorKind::unavailable,
              fmt::format("storage driver {} cannot work in {}: {}; hint: choose a directory of "
                          "another filesystem with --root, or --storage-driver vfs",
                          driver.name(), quoted(paths.state), reason));
}

/// The best that works; of those that do not, why.
Storage best_driver(const Paths& paths, const FileLock& opening) {
  Storage storage;
  for (const StorageDriver* driver : unionfs::storage_drivers()) {
    const std::optional<std::string> reason = why_not(*driver, paths, opening);
    if (!reason) {
      storage.driver = driver;
      break;
    }
    storage.warnings.push_back(
        fmt::format("storage driver {} cannot work here: {}", driver->name(), *reason));
  }
  if (storage.driver->form() == RootForm::directory) {
    storage.warnings.push_back(fmt::format(
        "storage driver {}: each container gets a copy of its image, which takes time and space",
        storage.driver->name()));
  }
  return storage;
}

const char* why(const std::optional<std::string>& recorded,
                const std::optional<std::string>& wish) {
  if (wish) return "it was asked for";
  return recorded ? "it is the one of this state directory" : "it is the best that works here";
}

}  // namespace

Storage choose_storage(const Paths& paths, const FileLock& opening, Database& database,
                       const std::optional<std::string>& wish) {
  Storage storage;
  if (wish) storage.driver = &unionfs::storage_driver(*wish);  // the first to be refused
  require_place_for_layers(paths.state);
  remove_tree(probe_dir(paths));  // of a trial that was killed
  const Settings settings(database);
  const std::optional<std::string> recorded = settings.find(kKey);
  if (!wish && recorded) storage.driver = &unionfs::storage_driver(*recorded);
  if (storage.driver == nullptr) storage = best_driver(paths, opening);
  const std::string name(storage.driver->name());
  const trace::Scope scope("mini-docker/engine",
                           fmt::format("take storage driver {} for new containers", name),
                           why(recorded, wish));
  if (recorded == name) return storage;
  if (wish) {
    if (const auto reason = why_not(*storage.driver, paths, opening)) {
      refuse(*storage.driver, paths, *reason);
    }
  }
  settings.set(kKey, name);
  return storage;
}

unionfs::RootPlace root_place(const ContainerRow& row, const ContainerPaths& places) {
  return {lowers_of(row, places), places.directory + "/upper", places.directory + "/work",
          places.directory + "/rootfs"};
}

shim::Root root_of(const ContainerRow& row, const ContainerPaths& places) {
  const RootForm form = unionfs::storage_driver(row.driver).form();
  unionfs::RootPlace place = root_place(row, places);
  if (form == RootForm::directory) return shim::DirectoryRoot{place.target};
  shim::OverlayRoot overlay{std::move(place.layers), place.upper, place.work, place.target,
                            row.auto_remove};
  if (form == RootForm::overlay) return overlay;
  std::optional<std::string> program = unionfs::find_fuse_overlayfs();
  if (program) return shim::ServedRoot{*std::move(program), std::move(overlay)};
  throw Error(ErrorKind::unavailable,
              fmt::format("container {} was made with storage driver {}: the program "
                          "fuse-overlayfs is not in PATH",
                          row.name, row.driver));
}

UniqueFd open_root(const ContainerRow& row, const ContainerPaths& places) {
  unionfs::RootPlace place = root_place(row, places);
  switch (unionfs::storage_driver(row.driver).form()) {
    case RootForm::directory:
      return sys::open(place.target.c_str(), O_RDONLY | O_DIRECTORY).or_throw(place.target);
    case RootForm::overlay:
      // What the container has written lies on top, for reading only: an overlay in use cannot be
      // mounted a second time.
      place.layers.insert(place.layers.begin(), place.upper);
      return unionfs::make_detached_overlay({std::move(place.layers), "", ""});
    case RootForm::fuse:
      break;
  }
  throw Error(ErrorKind::unavailable,
              fmt::format("container {} was made with storage driver {}: its files can be read "
                          "from inside only",
                          row.name, row.driver));
}

}  // namespace minidocker::engine
