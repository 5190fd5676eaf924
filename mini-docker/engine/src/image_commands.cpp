// The engine's operations on images.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "image_removal.hpp"
#include "minidocker/images/workspace.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "minidocker/unionfs/detached.hpp"
#include "minidocker/unionfs/storage_driver.hpp"
#include "places.hpp"
#include "storage.hpp"

namespace minidocker::engine {

namespace {

using images::Digest;

bool is_alive(State state) { return state == State::starting || state == State::running; }

/// Containers by image, read once: the caller holds the store's lock, so that no new one appears.
ImageUsers users_in(const ContainerTable& table) {
  std::map<std::string, std::vector<ImageUser>> users;
  for (const ContainerRow& row : table.all()) {
    users[row.image_id].push_back({row.id, is_alive(row.state)});
  }
  return [users](const std::string& image) {
    const auto found = users.find(image);
    return found == users.end() ? std::vector<ImageUser>{} : found->second;
  };
}

/// An image's layers, each once; none if its config cannot be read.
std::vector<Digest> layers_of(const images::Store& store, const images::Image& image) try {
  const std::vector<Digest> all = store.config_of(image).diff_ids;
  const std::set<Digest> each(all.begin(), all.end());
  return {each.begin(), each.end()};
} catch (const Error&) {
  return {};
}

/// What of an image others have, too.
Bytes shared_size(const Shelf& shelf, const std::vector<Digest>& layers,
                  const std::map<Digest, std::size_t>& owners) {
  std::set<Digest> shared;
  for (const Digest& layer : layers) {
    if (owners.at(layer) > 1) shared.insert(layer);
  }
  return shelf.sizes.of(shared);
}

/// What it has written.
Bytes written_by(const Paths& paths, const ContainerRow& row) {
  const std::string upper = ContainerPaths(paths, row).directory + "/upper";
  return Bytes{images::size_of_tree(upper)};
}

/// Removes what `remove` says, and then what nobody needs any more. If we are killed, the workspace
/// makes the next engine sweep.
template <class Remove>
RemovedImages remove_by(const Engine::Impl& engine, Remove remove) {
  const images::Workspace unfinished(engine.images.temporaries());
  const images::StoreLock lock = engine.images.lock();
  const ImageUsers users = users_in(engine.table);
  ImageRemoval removal(engine.images.shelf().store, lock, users);
  remove(removal);
  RemovedImages removed{removal.removed(), {}, {}};
  try {
    removed.reclaimed = sweep_images(engine, lock);
  } catch (const Error& error) {
    removed.warnings.emplace_back(error.what());
  }
  return removed;
}

}  // namespace

ImageList Engine::images(const ImageFilters& filters) const {
  return list_images(impl_->images.shelf(), filters);
}

void Engine::tag(const std::string& image, const std::string& name) {
  if (name.find('@') != std::string::npos) {
    throw Error(ErrorKind::invalid_argument, "refusing to create a tag with a digest reference");
  }
  const Shelf shelf = impl_->images.shelf();
  const images::ImageName parsed = images::ImageName::parse(name);
  const images::StoreLock lock = impl_->images.lock();
  shelf.store.add_image(lock, shelf.store.get_image(image).manifest, {parsed});
}

RemovedImages Engine::remove_image(const std::string& name, Force force) {
  const trace::Scope scope("mini-docker/engine", "remove image " + name,
                           "first its names, then what nobody needs any more");
  return remove_by(*impl_, [&](ImageRemoval& removal) { removal.remove(name, force); });
}

RemovedImages Engine::prune_images(PruneScope scope) {
  RemovedImages removed =
      remove_by(*impl_, [scope](ImageRemoval& removal) { removal.prune(scope); });
  try {
    removed.reclaimed.value += impl_->images.sweep_downloads().value;
  } catch (const Error& error) {
    removed.warnings.emplace_back(error.what());
  }
  return removed;
}

std::vector<HistoryLine> Engine::history(const std::string& image) const {
  return history_of(impl_->images.shelf(), image);
}

ImageDetails Engine::inspect_image(const std::string& image) const {
  ImageDetails details = details_of(impl_->images.shelf(), image);
  details.driver = impl_->storage.driver->name();
  return details;
}

std::vector<std::string> Engine::check_images() const {
  const images::StoreLock lock = impl_->images.lock();
  return impl_->images.shelf().store.check();
}

DiskUsage Engine::disk_usage() const {
  const Shelf shelf = impl_->images.shelf();
  const ImageUsers users = users_in(impl_->table);
  std::vector<std::string> warnings;
  std::vector<std::pair<ImageSummary, std::vector<Digest>>> images;
  std::map<Digest, std::size_t> owners;
  for (const images::Image& image : shelf.store.images(&warnings)) {
    images.emplace_back(summary_of(shelf, image, warnings), layers_of(shelf.store, image));
    for (const Digest& id : images.back().second) ++owners[id];
  }
  std::ranges::stable_sort(images, std::greater<>{},
                           [](const auto& each) { return each.first.created; });
  DiskUsage usage;
  for (const auto& [layer, count] : owners) usage.layers.value += shelf.sizes.of(layer).value;
  for (const auto& [image, layers] : images) {
    usage.images.push_back({image, shared_size(shelf, layers, owners), users(image.id).size()});
  }
  for (const ContainerRow& row : impl_->table.all()) {
    usage.containers.push_back({summary_of(row), written_by(impl_->paths, row)});
  }
  return usage;
}

void Engine::save(const std::vector<std::string>& names, const SaveTarget& target) const {
  impl_->images.save(names, target);
}

LoadedImages Engine::import_root(const ImportRequest& request) {
  LoadedImages imported = impl_->images.import_root(request);
  sweep_images(*impl_, imported.warnings);
  return imported;
}

void Engine::export_root(const std::string& container, int out) const {
  const ContainerRow row = impl_->table.get(container);
  const ContainerPaths places(impl_->paths, row);
  const UniqueFd root = open_root(row, places);
  impl_->images.export_root(root.get(), out);
}

PrunedContainers Engine::prune_containers() {
  PrunedContainers pruned;
  for (const ContainerRow& row : impl_->table.all()) {
    if (row.state != State::created && row.state != State::exited) continue;
    const std::string path = ContainerPaths(impl_->paths, row).lock;
    const std::optional<FileLock> lock = FileLock::try_take(path);
    if (!lock) continue;  // it is somebody's
    const std::optional<ContainerRow> now = impl_->table.find(row.id);
    if (!now) remove_tree(path);
    if (!now || is_alive(now->state)) continue;
    pruned.reclaimed.value += written_by(impl_->paths, *now).value;
    impl_->destroy(*now);
    pruned.ids.push_back(row.id);
  }
  return pruned;
}

}  // namespace minidocker::engine
