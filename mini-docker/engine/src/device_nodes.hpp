#pragma once
/// \file
/// Device nodes of the host: what they are, and what a container gets for them.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "minidocker/engine/limits.hpp"
#include "minidocker/spec/spec.hpp"

namespace minidocker::engine {

/// Every device node below the host's /dev: what --privileged means.
[[nodiscard]] std::vector<spec::Device> host_devices();

/// The node at `request.source`, or all in that directory, as nodes at and below `request.target`.
/// Links are followed. Throws Error(invalid_argument) in docker's words if there is none.
[[nodiscard]] std::vector<spec::Device> nodes_at(const DeviceRequest& request);

/// The numbers of the block device whose node is at `path`. Throws Error(invalid_argument).
[[nodiscard]] dev_t disk_at(const std::string& path);

/// Is `text` made of `r`, `w` and `m`, each at most once, and of at least one of them?
[[nodiscard]] bool is_device_access(std::string_view text);

}  // namespace minidocker::engine
