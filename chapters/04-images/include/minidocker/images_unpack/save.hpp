#pragma once
/// \file
/// Images written out for others: an OCI image layout that is a `docker save` archive as well, as
/// docker has written it since version 25.
///
/// ```
///   blobs/sha256/HEX   manifests, configs, layers: byte by byte what the store has
///   index.json         OCI: one entry for each name
///   manifest.json      docker: which files are whose config and layers
///   oci-layout         OCI: {"imageLayoutVersion":"1.0.0"}
///   repositories       docker before 1.10: name -> tag -> layer on top
/// ```

#include <string>
#include <vector>

#include "minidocker/images/store.hpp"
#include "minidocker/images_unpack/image_output.hpp"

namespace minidocker::images_unpack {

/// Writes the images to `output`. Of `names` each is a name, which is saved with the image; a
/// repository without a tag, which means all of its tags; or an id, whose image is saved without a
/// name. Blobs are verified on the way, and each is written once. Throws not_found, internal for a
/// blob that is missing or damaged: what was written until then is no whole archive.
void save_images(const images::Store& store, const std::vector<std::string>& names,
                 ImageOutput& output);

}  // namespace minidocker::images_unpack
