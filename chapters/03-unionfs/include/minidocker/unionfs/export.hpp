#pragma once
/// \file
/// A container's upper directory as a layer for others: what `docker commit` keeps.

#include <span>
#include <string>

#include "minidocker/unionfs/layer_entry.hpp"

namespace minidocker::unionfs {

/// Sends all of `upper`, the writable directory of an overlay whose other layers are `lowers` (the
/// topmost first), to `sink`: directories before what is in them, names in the order of their
/// bytes. A name that is gone becomes `.wh.NAME`; an opaque directory that hides something is
/// followed by `.wh..wh..opq`. Sockets are left out, as no archive holds them. Throws SystemError;
/// Error(invalid_argument) for a file whose own name begins with `.wh.`: the layer would say
/// something else. The overlay should not be written to meanwhile.
void export_layer(const std::string& upper, std::span<const std::string> lowers, LayerSink& sink);

}  // namespace minidocker::unionfs
