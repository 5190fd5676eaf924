#pragma once
/// \file
/// The engine's side of a shim: starting one, and cleaning up after one that died.

#include <string>
#include <vector>

#include "container_table.hpp"
#include "minidocker/engine/engine.hpp"
#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::engine {

/// A shim that was told to start a container.
struct RunningShim {
  Process process;  ///< the shim
  UniqueFd socket;  ///< to it; closing it ends the container
};

/// Where things of one container lie.
struct ContainerPaths {
  std::string directory;   ///< STATE/containers/ID: init, upper, work, rootfs, files for /etc
  std::string shim;        ///< RUN/shim/ID
  std::string lock;        ///< RUN/lock/ID
  std::string state_root;  ///< RUN/runtime, or RUN/oci for another runtime's states
  ContainerPaths(const Paths& paths, const ContainerRow& row);
};

/// What lies below the writable layer: its init layer and those of the image, the top one first.
[[nodiscard]] std::vector<std::string> lowers_of(const ContainerRow& row,
                                                 const ContainerPaths& places);

/// Spawns mini-shim, hands it the container, and waits until the program runs. `lock_fd` is the
/// container's lock, which the shim keeps. Throws StartError with the shim's words.
[[nodiscard]] RunningShim start_shim(const Paths& paths, const ContainerRow& row,
                                     const StartOptions& options, int lock_fd);

/// Has what a shim that died left behind removed: processes, cgroup, the runtime's state. Nothing
/// left is fine. Throws Error.
void clean_up_after_shim(const Paths& paths, const ContainerRow& row);

}  // namespace minidocker::engine
