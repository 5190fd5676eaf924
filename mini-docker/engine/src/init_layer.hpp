#pragma once
/// \file
/// What docker puts between an image and a container's own writes: the files by which programs
/// know that they are in a container, and those that every system has.

#include <string>
#include <vector>

namespace minidocker::engine {

/// Makes `upper`, the writable layer of a container whose read-only layers are `layers`, the top
/// one first: mode and owner of its root are those of the image's root (overlay shows the upper
/// directory's), /.dockerenv is there, and /etc/mtab, which df(1) and mount(8) read, leads to
/// /proc/mounts unless the image has one. Throws SystemError.
void make_upper(const std::string& upper, const std::vector<std::string>& layers);

}  // namespace minidocker::engine
