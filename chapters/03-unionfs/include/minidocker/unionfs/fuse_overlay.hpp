#pragma once
/// \file
/// An overlay served by a process: the program fuse-overlayfs (libfuse), for hosts whose kernel
/// cannot mount one where the state lies.
///
/// We open /dev/fuse (fuse(4)) and mount it ourselves, detached, and the program only answers: it
/// gets the descriptor instead of a mount point (`/dev/fd/N`, libfuse 3.3). It therefore needs
/// neither fusermount3 nor a mount namespace with the mount in it: the kernel ends the connection,
/// and with it the process, when the last mount is gone, whoever dies first.

#include <optional>
#include <string>

#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/unique_fd.hpp"
#include "minidocker/unionfs/overlay.hpp"

namespace minidocker::unionfs {

/// An overlay that a process serves.
struct FuseOverlay {
  UniqueFd mount;  ///< detached, in no mount table; gone with its last descriptor unless attached
  Process server;  ///< answers as long as it is mounted somewhere
};

/// The program, along PATH; nothing if it is not there.
[[nodiscard]] std::optional<std::string> find_fuse_overlayfs();

/// Mounts `layers` and starts `program` to serve them. Whoever attaches the mount to a mount
/// namespace of his own (attach()) after this call leaves nothing behind, even killed: server and
/// namespace hold nothing of each other. Needs root of the host. Throws SystemError: ENOENT or
/// EACCES for /dev/fuse, ENODEV for a kernel without FUSE; Error(invalid_argument) for a path with
/// ':', ',' or a backslash, which the program's options cannot hold.
[[nodiscard]] FuseOverlay start_fuse_overlay(const std::string& program,
                                             const OverlayLayers& layers);

/// Puts the mount on `target` and forgets its descriptor. Throws SystemError.
void attach(FuseOverlay& overlay, const std::string& target);

}  // namespace minidocker::unionfs
