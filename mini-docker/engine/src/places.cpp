#include "places.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "init_layer.hpp"
#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/clock.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "names.hpp"
#include "network_files.hpp"
#include "shim_client.hpp"

namespace minidocker::engine {
namespace {

constexpr int kNameAttempts = 6;
constexpr int kShimLost = 137;

/// Makes what everything else stands in; its lock then keeps others from recovering meanwhile.
FileLock open_directories(const Paths& paths) {
  make_dirs(paths.state, 0711);
  make_dirs(paths.run, 0711);
  for (const std::string& directory :
       {paths.state + "/containers", paths.run + "/shim", paths.run + "/lock"}) {
    make_dirs(directory, 0700);
  }
  return FileLock::take(paths.run + "/lock/engine");
}

void write_file(const std::string& path, const std::string& text) {
  write_atomically(path, text, 0644);
}

/// Of the host, for what a container shares with it.
std::string host_file(const std::string& path) { return find_file(path).value_or(""); }

void make_bind_sources(const CreateRequest& request) {
  for (const MountRequest& mount : request.mounts) {
    const bool may_make = mount.missing_source == MissingSource::create_directory;
    if (mount.type == MountType::bind && may_make && !exists(mount.source)) {
      make_dirs(mount.source);
    }
  }
}

}  // namespace

Engine::Impl::Impl(Paths chosen, const std::optional<std::string>& storage_driver)
    : paths(std::move(chosen)),
      opening(open_directories(paths)),
      database(paths.state + "/engine.db"),
      table(database),
      images(paths, database),
      storage(choose_storage(paths, *opening, database, storage_driver)) {}

void Engine::Impl::claim(ContainerRow& row, const std::optional<std::string>& name) {
  const trace::Scope scope("mini-docker/engine", "record that a container is about to be made",
                           "whatever bears its id from here on, recovery will find the row first");
  // Recovery must not find the row before its lock is taken.
  const FileLock lock = FileLock::take(paths.run + "/lock/engine");
  for (int attempt = 0;; ++attempt) {
    const bool gives_up = attempt == kNameAttempts;
    row.name = name ? *name : gives_up ? short_id(row.id) : make_name(attempt);
    try {
      table.insert(row);
      break;
    } catch (const UniqueClash&) {
      const std::optional<ContainerRow> holder = table.find_named(row.name);
      if (name && holder) {
        throw Error(ErrorKind::conflict,
                    fmt::format("Conflict. The container name \"/{}\" is already in use by "
                                "container \"{}\". You have to remove (or rename) that container "
                                "to be able to reuse that name.",
                                row.name, holder->id));
      }
    }
  }
  owned.emplace(row.id, FileLock::take(ContainerPaths(paths, row).lock));
}

void Engine::Impl::make_files(const ContainerRow& row, const CreateRequest& request,
                              const std::string& hostname) const {
  const trace::Scope scope("mini-docker/engine", "make the container's directory",
                           "its writable layer, and the files that are bound over its /etc");
  const ContainerPaths places(paths, row);
  make_bind_sources(request);
  make_dirs(places.directory, 0700);
  make_init_layer(places.directory + "/init", layers_of(row));
  make_upper(places.directory + "/upper", layers_of(row));
  storage.driver->prepare(root_place(row, places));
  const bool shares_network = request.network == NamespaceMode::host;
  const std::string resolv = host_file("/etc/resolv.conf");
  write_file(places.directory + "/hosts", shares_network ? host_file("/etc/hosts") : hosts_text());
  write_file(places.directory + "/resolv.conf", shares_network ? resolv : resolv_conf_text(resolv));
  write_file(places.directory + "/hostname", hostname + "\n");
}

void Engine::Impl::forget_run(const ContainerRow& row) const {
  remove_tree(ContainerPaths(paths, row).shim);
  for (const char* states : {"/runtime/", "/oci/"}) remove_tree(paths.run + states + row.id);
}

void Engine::Impl::destroy(ContainerRow row) {
  const trace::Scope scope("mini-docker/engine", "remove container " + row.name,
                           "the row goes last: a removal that is cut off is found and finished");
  // `creating` tells recovery as much as `removing`; and what was cut off because the disk was full
  // must make room before anything can be recorded.
  if (row.state != State::removing && row.state != State::creating) {
    row.state = State::removing;
    table.update(row);
  }
  const ContainerPaths places(paths, row);
  forget_run(row);
  remove_tree(places.directory);
  table.erase(row.id);
  remove_tree(places.lock);  // whoever waits for it finds no row then
}

int Engine::Impl::finish(const std::string& id) {
  ContainerRow row = table.get(id);
  const std::optional<shim::ExitRecord> record =
      shim::find_exit_record(ContainerPaths(paths, row).shim);
  row.exit_code = record ? record->code : kShimLost;
  row.error = record ? record->error : "shim lost";
  row.finished_ns = record ? record->finished_ns : wall_clock_ns();
  if (row.auto_remove) {
    destroy(row);
    return row.exit_code;
  }
  row.state = State::exited;
  table.update(row);
  forget_run(row);
  return row.exit_code;
}

}  // namespace minidocker::engine
