#pragma once
/// \file
/// A packed root on its way to be an image.

#include <string>

#include "import_plan.hpp"
#include "minidocker/images_unpack/byte_stream.hpp"
#include "minidocker/images_unpack/import.hpp"

namespace minidocker::images_unpack {

/// Stages the archive as the one layer of an image, and writes a config for it. Throws as
/// import_tarball().
[[nodiscard]] PlannedImage plan_tarball(const std::string& from, const TarballOptions& options,
                                        const ImportTarget& target, ByteBudget& budget);

}  // namespace minidocker::images_unpack
