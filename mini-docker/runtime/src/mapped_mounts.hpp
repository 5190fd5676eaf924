#pragma once
/// \file
/// Binds whose owners are seen through id maps. They are made before the container's process: it
/// may be in a user namespace, without the right to map ids of the host's filesystems.

#include <string>

#include "minidocker/spec/mount_options.hpp"
#include "minidocker/spec/spec.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::runtime {

/// `source` as a detached mount with the maps of `mount`, or if it has none with those of the
/// container's user namespace. `where` is the mount's place in config.json. Throws SystemError,
/// Error.
[[nodiscard]] UniqueFd make_mapped_mount(const spec::Spec& spec, const spec::Mount& mount,
                                         const spec::MountOptions& options,
                                         const std::string& source, const std::string& where);

}  // namespace minidocker::runtime
