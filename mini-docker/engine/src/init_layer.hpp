#pragma once
/// \file
/// What docker puts between an image and a container's own writes: the files by which programs
/// know that they are in a container, and those that every system has. A layer of its own, so that
/// none of it counts as changed by the container.

#include <string>
#include <vector>

namespace minidocker::engine {

/// Makes `init`, the layer between the image's read-only layers `layers`, the top one first, and a
/// container's writable one: /.dockerenv is there, /etc/mtab, which df(1) and mount(8) read, leads
/// to /proc/mounts, and so are the names that something is mounted on in every container (/proc,
/// /etc/hosts ...), each unless the image has it. Throws SystemError.
void make_init_layer(const std::string& init, const std::vector<std::string>& layers);

/// Makes `upper`, the writable layer: mode and owner of its root, which are what overlay shows, are
/// those of the image's root. Throws SystemError.
void make_upper(const std::string& upper, const std::vector<std::string>& layers);

}  // namespace minidocker::engine
