#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/trace.hpp"
#include "places.hpp"
#include "shim_client.hpp"
#include "states.hpp"

namespace minidocker::engine {
namespace {

bool is_id(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// Ids of containers that have an entry in one of the directories.
std::set<std::string> ids_in(std::initializer_list<std::string> directories) {
  std::set<std::string> ids;
  for (const std::string& directory : directories) {
    if (!exists(directory)) continue;
    std::ranges::copy_if(list_dir(directory), std::inserter(ids, ids.end()), is_id);
  }
  return ids;
}

/// A container that nobody owns: neither its engine nor its shim lives.
void recover_row(Engine::Impl& engine, const ContainerRow& row) {
  switch (row.state) {
    case State::created:
    case State::exited:
      // Made to go with its run: nobody is there any more who could start it, or remove it.
      if (row.auto_remove) return engine.destroy(row);
      return engine.forget_run(row);
    case State::creating:
    case State::removing:
      clean_up_after_shim(engine.paths, row);
      return engine.destroy(row);
    case State::starting:
    case State::running:
      clean_up_after_shim(engine.paths, row);
      engine.finish(row.id);
      return;
  }
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
  const Paths& paths = engine.paths;
  const std::set<std::string> ran =
      ids_in({paths.run + "/shim", paths.run + "/runtime", paths.run + "/oci"});
  std::set<std::string> unknown = ids_in({paths.state + "/containers", paths.run + "/lock"});
  unknown.insert(ran.begin(), ran.end());
  for (const ContainerRow& row : engine.table.all()) {
    unknown.erase(row.id);
    if (!is_transient(row.state) && !row.auto_remove && !ran.contains(row.id)) continue;
    const std::string lock_path = ContainerPaths(paths, row).lock;
    const auto lock = FileLock::try_take(lock_path);
    if (!lock) continue;  // somebody is at work
    // Between our reading and our taking the lock its owner may have finished, or removed it.
    if (const std::optional<ContainerRow> fresh = engine.table.find(row.id)) {
      attempt(*fresh);
    } else {
      remove_tree(lock_path);
    }
  }
  for (const std::string& id : unknown) {
    ContainerRow row;
    row.id = row.name = id;
    row.state = State::removing;
    const auto lock = FileLock::try_take(ContainerPaths(paths, row).lock);
    if (lock) attempt(row);
  }
  return troubles;
}

Bytes sweep_images(const Engine::Impl& engine, const images::StoreLock& lock) {
  std::set<std::string> layers;
  for (const ContainerRow& row : engine.table.all()) {
    for (const std::string& layer : layers_of(row)) layers.insert(layer);
  }
  return engine.images.sweep(lock, layers);
}

void sweep_images(const Engine::Impl& engine, std::vector<std::string>& warnings) try {
  sweep_images(engine, engine.images.lock());
} catch (const Error& error) {
  warnings.emplace_back(error.what());
}

}  // namespace minidocker::engine
