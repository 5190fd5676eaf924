#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "places.hpp"
#include "shim_client.hpp"
#include "states.hpp"

namespace minidocker::engine {
namespace {

/// Directories whose entries bear the ids of containers.
std::array<std::string, 5> places_of_ids(const Paths& paths) {
  return {paths.state + "/containers", paths.run + "/shim", paths.run + "/runtime",
          paths.run + "/oci", paths.run + "/lock"};
}

bool is_id(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::set<std::string> ids_on_disk(const Paths& paths) {
  std::set<std::string> ids;
  for (const std::string& directory : places_of_ids(paths)) {
    if (!exists(directory)) continue;
    std::ranges::copy_if(list_dir(directory), std::inserter(ids, ids.end()), is_id);
  }
  return ids;
}

/// A container that nobody owns: neither its engine nor its shim lives.
void recover_row(Engine::Impl& engine, ContainerRow row) {
  switch (row.state) {
    case State::created:
      // Made to go with its run, which nobody will start any more.
      if (row.auto_remove) engine.destroy(row);
      return;
    case State::creating:
    case State::removing:
      clean_up_after_shim(engine.paths, row);
      engine.destroy(row);
      return;
    case State::starting:
    case State::running:
      clean_up_after_shim(engine.paths, row);
      engine.finish(row.id);
      return;
    case State::exited:
      return;
  }
}

bool needs_owner(const ContainerRow& row) {
  return is_transient(row.state) || (row.state == State::created && row.auto_remove);
}

}  // namespace

std::vector<std::string> recover(Engine::Impl& engine) {
  const trace::Scope scope("mini-docker/engine", "recover what processes that died left half done",
                           "a row is committed before anything bears its id, so rows tell all");
  std::vector<std::string> troubles;
  const auto attempt = [&](const ContainerRow& row) {
    try {
      recover_row(engine, row);
    } catch (const Error& error) {
      troubles.emplace_back(error.what());
    }
  };

  // First what is on disk, then the rows: whatever appears in between has a row that we see, and
  // whatever was seen without one has lost it to a removal that is complete.
  std::set<std::string> unknown = ids_on_disk(engine.paths);
  for (const ContainerRow& row : engine.table.all()) {
    unknown.erase(row.id);
    if (!needs_owner(row)) continue;
    const auto lock = FileLock::try_take(ContainerPaths(engine.paths, row).lock);
    if (!lock) continue;  // somebody is at work
    // Between our reading and our taking the lock its owner may have finished.
    if (const std::optional<ContainerRow> fresh = engine.table.find(row.id)) attempt(*fresh);
  }
  for (const std::string& id : unknown) {
    ContainerRow row;
    row.id = row.name = id;
    row.state = State::removing;
    const auto lock = FileLock::try_take(ContainerPaths(engine.paths, row).lock);
    if (lock) attempt(row);
  }
  engine.images.clean_temporaries();
  return troubles;
}

}  // namespace minidocker::engine
