#pragma once
/// \file
/// Mounts that have no place in any tree: a descriptor is all that leads to them. Nobody sees them
/// in a mountinfo, no kill leaves one behind, and they can be given away and attached elsewhere
/// (open_tree(2), fsmount(2), move_mount(2); kernel 5.2).

#include <string>

#include "minidocker/toolbox/unique_fd.hpp"
#include "minidocker/unionfs/bind.hpp"
#include "minidocker/unionfs/overlay.hpp"

namespace minidocker::unionfs {

/// A copy of the mount that `source` lies on, with `source` as its root; with Recursion::tree of
/// all mounts below, too. The mount goes with the descriptor unless it is attached before. Throws
/// SystemError.
[[nodiscard]] UniqueFd clone_mount(const std::string& source, Recursion recursion);

/// Lets owners in a detached mount be seen through the id maps of a user namespace: a file that
/// belongs to id X on disk belongs to the id that X means inside of it (kernel 5.12;
/// Documentation/filesystems/idmappings.rst). Once for each mount, before it is attached. `what`
/// names it in errors. Throws SystemError: EPERM without CAP_SYS_ADMIN in the user namespace that
/// mounted the filesystem, EINVAL for a filesystem that cannot do it.
void map_ids(int mount, int user_namespace, Recursion recursion, const std::string& what);

/// The layers as an overlay that is mounted nowhere; it is read and written through the
/// descriptor. Throws as overlay_options(), and SystemError: EINVAL before kernel 6.8, which takes
/// no layers one by one.
[[nodiscard]] UniqueFd make_detached_overlay(const OverlayLayers& layers);

}  // namespace minidocker::unionfs
