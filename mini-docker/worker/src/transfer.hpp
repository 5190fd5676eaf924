#pragma once
/// \file
/// The verbs pull (an image from its registry into the store, and its layers into directories) and
/// push (the way back).

#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images_unpack/import.hpp"

namespace minidocker::worker {

/// Pulls `request.reference` and unpacks what is not unpacked. Tells transfer, warning, layer and,
/// last, image events. Throws Error.
void pull(const images::WorkerRequest& request, const images_unpack::ImportTarget& target,
          const images_unpack::Progress& tell);

/// Pushes the image of the store that has the name `request.reference`. Tells transfer and, last,
/// image events. Throws Error.
void push(const images::WorkerRequest& request, const images_unpack::ImportTarget& target,
          const images_unpack::Progress& tell);

}  // namespace minidocker::worker
