#pragma once
/// \file
/// Which storage driver makes the roots of containers.
///
/// A state directory records the driver that its new containers get: the one that was asked for
/// last, or the best that worked when it was used first. A container keeps the driver that it was
/// made with; layers of images are the same for all.

#include <optional>
#include <string>
#include <vector>

#include "container_table.hpp"
#include "database.hpp"
#include "locks.hpp"
#include "minidocker/engine/engine.hpp"
#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/unique_fd.hpp"
#include "minidocker/unionfs/storage_driver.hpp"
#include "shim_client.hpp"

namespace minidocker::engine {

/// What new containers are made with.
struct Storage {
  const unionfs::StorageDriver* driver = nullptr;  ///< never null once chosen
  std::vector<std::string> warnings;               ///< why it is not a better one, a line each
};

/// Chooses, records, and tells. A driver that is new to this state is tried first, by mini-shim,
/// which holds the engine's lock `opening` meanwhile. The tables of `database` exist. Throws
/// Error(invalid_argument) for a driver that is unknown, and Error(unavailable) with the reason
/// for one that was asked for and cannot work, or for a place that cannot hold layers.
[[nodiscard]] Storage choose_storage(const Paths& paths, const FileLock& opening,
                                     Database& database, const std::optional<std::string>& wish);

/// Where a container's root is made.
[[nodiscard]] unionfs::RootPlace root_place(const ContainerRow& row, const ContainerPaths& places);

/// What its shim has to do to get it. Throws Error(unavailable) that names the container if its
/// driver cannot work any more.
[[nodiscard]] shim::Root root_of(const ContainerRow& row, const ContainerPaths& places);

/// Its root as it is now, to be read, without what is mounted in it. Throws Error(unavailable) that
/// names the container where its driver cannot show that from outside.
[[nodiscard]] UniqueFd open_root(const ContainerRow& row, const ContainerPaths& places);

}  // namespace minidocker::engine
