#pragma once
/// \file
/// What the verbs save and import need beyond what chapter 04 does.

#include <memory>

#include "minidocker/images/worker_protocol.hpp"
#include "minidocker/images_unpack/image_output.hpp"
#include "minidocker/images_unpack/import.hpp"

namespace minidocker::worker {

/// Where a save goes, opened while the world can still be written to; null for other verbs. Throws.
[[nodiscard]] std::unique_ptr<images_unpack::ImageOutput> open_output(
    const images::WorkerRequest& request);

/// Makes an image of `request.from`. Tells layer, warning and image events. Throws Error.
void import_root(const images::WorkerRequest& request, const images_unpack::ImportTarget& target,
                 const images_unpack::Progress& tell);

}  // namespace minidocker::worker
