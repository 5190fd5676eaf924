#include "minidocker/engine/engine.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <string_view>
#include <utility>

#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/unionfs/changes.hpp"
#include "minidocker/unionfs/storage_driver.hpp"
#include "places.hpp"
#include "shim_client.hpp"

namespace minidocker::engine {
namespace {

/// The kernel's overlay leaves what a container changed in a form that can be read.
void require_changes_layer(const ContainerRow& row) {
  if (unionfs::storage_driver(row.driver).form() == unionfs::RootForm::overlay) return;
  throw Error(ErrorKind::unavailable,
              fmt::format("container {} was made with storage driver {}, which keeps no list of "
                          "what it changed: only that of driver overlay can be read",
                          row.name, row.driver));
}

bool is_alive(State state) { return state == State::starting || state == State::running; }

/// Kills the program of a container that another process owns. That one records the end.
void kill_foreign(const ContainerPaths& places) {
  const std::optional<UniqueFd> socket = shim::connect(places.shim);
  if (!socket) return;
  try {
    shim::send(socket->get(), shim::Signal{SIGKILL});
    while (shim::receive_event(socket->get())) {
    }
  } catch (const Error&) {
    // The shim ended first.
  }
}

[[noreturn]] void refuse_removal(const std::string& name, std::string_view why) {
  throw Error(ErrorKind::conflict, fmt::format("cannot remove container \"{}\": {}", name, why));
}

/// The container's lock, without killing anybody. Who holds that of a container which has ended is
/// about to let go of it.
FileLock take_idle(const std::string& name, const ContainerRow& row, const std::string& path) {
  if (is_alive(row.state)) {
    refuse_removal(name,
                   "container is running: stop the container before removing or force remove");
  }
  if (row.state == State::exited || row.state == State::removing) return FileLock::take(path);
  std::optional<FileLock> lock = FileLock::try_take(path);
  if (!lock) refuse_removal(name, "container is about to be started: force remove");
  return std::move(*lock);
}

/// The container's lock, whatever its owner does. He is told first: if he has no shim yet that
/// could be killed, he will not get one to run.
FileLock take_by_force(ContainerTable& table, const ContainerRow& row,
                       const ContainerPaths& places) {
  table.doom(row.id);
  kill_foreign(places);
  return FileLock::take(places.lock);
}

}  // namespace

Engine::Engine(Paths paths, const std::optional<std::string>& storage_driver)
    : impl_(std::make_unique<Impl>(std::move(paths), storage_driver)) {
  impl_->warnings = impl_->storage.warnings;
  std::ranges::copy(recover(*impl_), std::back_inserter(impl_->warnings));
  impl_->opening.reset();
  // A worker was killed: what it moved to its place before lies there without a name.
  if (impl_->images.clean_temporaries() > 0) sweep_images(*impl_, impl_->warnings);
}

Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

const std::vector<std::string>& Engine::warnings() const { return impl_->warnings; }

LoadedImages Engine::load(const std::string& path) {
  LoadedImages loaded = impl_->images.load(path);
  sweep_images(*impl_, loaded.warnings);
  return loaded;
}

PulledImage Engine::pull(const TransferRequest& request, const LayerWatch& watch) {
  PulledImage pulled = impl_->images.pull(request, watch);
  sweep_images(*impl_, pulled.warnings);
  return pulled;
}

std::string Engine::push(const TransferRequest& request, const LayerWatch& watch) {
  return impl_->images.push(request, watch);
}

std::vector<std::string> Engine::names_in_registry(const TransferRequest& request) const {
  return impl_->images.names_in_registry(request);
}

std::vector<std::string> Engine::names_here(const std::string& repository) const {
  return impl_->images.names_here(repository);
}

std::string Engine::login(const LoginRequest& request) const {
  return impl_->images.login(request);
}

bool Engine::logout(const std::string& registry, const std::string& docker_config) const {
  return impl_->images.logout(registry, docker_config);
}

bool Engine::has_image(const std::string& name) const { return impl_->images.has(name); }

std::vector<ContainerSummary> Engine::containers() const {
  std::vector<ContainerSummary> list;
  for (const ContainerRow& row : impl_->table.all()) list.push_back(summary_of(row));
  return list;
}

std::vector<PathChange> Engine::changes(const std::string& name) const {
  const ContainerRow row = impl_->table.get(name);
  const ContainerPaths places(impl_->paths, row);
  require_changes_layer(row);
  std::vector<PathChange> list;
  for (unionfs::Change& change :
       unionfs::find_changes(places.directory + "/upper", lowers_of(row, places))) {
    list.push_back({unionfs::letter_of(change.kind), std::move(change.path)});
  }
  return list;
}

void Engine::remove(const std::string& name, Force force) {
  const ContainerRow row = impl_->table.get(name);
  const ContainerPaths places(impl_->paths, row);
  const FileLock lock = force == Force::yes ? take_by_force(impl_->table, row, places)
                                            : take_idle(name, row, places.lock);
  const std::optional<ContainerRow> now = impl_->table.find(row.id);
  if (!now) return remove_tree(places.lock);  // it went with its run
  if (!is_alive(now->state)) return impl_->destroy(*now);
  clean_up_after_shim(impl_->paths, *now);  // its owner died meanwhile
  impl_->finish(now->id);
  if (const std::optional<ContainerRow> ended = impl_->table.find(row.id)) impl_->destroy(*ended);
}

}  // namespace minidocker::engine
