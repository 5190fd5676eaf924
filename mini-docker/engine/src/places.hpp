#pragma once
/// \file
/// The engine's parts that all of its files share: paths, rows, locks held, images.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "container_table.hpp"
#include "database.hpp"
#include "image_source.hpp"
#include "locks.hpp"
#include "minidocker/engine/engine.hpp"
#include "storage.hpp"

namespace minidocker::engine {

/// What an Engine consists of.
struct Engine::Impl {
  Impl(Paths chosen, const std::optional<std::string>& storage_driver);

  Paths paths;                            ///< where everything lies
  std::optional<FileLock> opening;        ///< RUN/lock/engine, until recovery is done
  Database database;                      ///< STATE/engine.db
  ContainerTable table;                   ///< its containers
  ImageSource images;                     ///< its images
  Storage storage;                        ///< what new containers are made with
  std::map<std::string, FileLock> owned;  ///< by id: containers that are this process's
  std::vector<std::string> warnings;      ///< what recovery could not do

  /// Commits the intent: the row, named `name` or by a made-up name, and the lock, as one step
  /// towards recovery. Throws Error(conflict) in docker's words if the name is taken.
  void claim(ContainerRow& row, const std::optional<std::string>& name);
  /// Makes the directories and files of a container whose row is `creating`.
  void make_files(const ContainerRow& row, const CreateRequest& request,
                  const std::string& hostname) const;
  /// Removes what RUN holds of a container that does not run.
  void forget_run(const ContainerRow& row) const;
  /// Removes all that bears the id, then the row. The caller holds the container's lock, and
  /// nothing of it runs.
  void destroy(ContainerRow row);
  /// Records the end of a run, and removes the container if it goes with it. Returns the code.
  int finish(const std::string& id);
};

/// Recovers: see Engine::Engine. Returns what could not be done, one line each.
[[nodiscard]] std::vector<std::string> recover(Engine::Impl& engine);
/// Removes layers and blobs that neither an image nor a container needs; returns how much that was.
/// Rows are read while the lock is held: create() holds it from its look at the layers until its
/// row names them. Throws Error.
Bytes sweep_images(const Engine::Impl& engine, const images::StoreLock& lock);
/// The same, under a lock of its own. What keeps it from doing
/// so, such as a damaged image, is added to `warnings`: it is tried again the next time.
void sweep_images(const Engine::Impl& engine, std::vector<std::string>& warnings);

}  // namespace minidocker::engine
