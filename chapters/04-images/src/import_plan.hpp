#pragma once
/// \file
/// What an archive says it holds, checked and put into one form.

#include <optional>
#include <string>
#include <vector>

#include "import_source.hpp"
#include "minidocker/images/image_config.hpp"
#include "minidocker/images/image_name.hpp"
#include "minidocker/images/manifest.hpp"

namespace minidocker::images_unpack {

/// An image that can be brought in: every blob it names is staged and verified.
struct PlannedImage {
  images::Descriptor manifest;           ///< as the store will know it
  std::string manifest_text;             ///< its content
  images::ImageConfig config;            ///< parsed
  StagedFile config_file;                ///< its content
  std::vector<StagedFile> layers;        ///< the lowest first, as many as diff IDs
  std::vector<images::ImageName> names;  ///< may be empty
  bool is_described = false;             ///< the manifest is ours: there came none
};

/// Writes the manifest of an image whose config and layers are staged, and names it in `image`.
void describe(PlannedImage& image);

/// Reads index.json (OCI image layout), or else manifest.json (docker save). `from` names the
/// archive in errors. Throws.
[[nodiscard]] std::vector<PlannedImage> plan_import(ImportSource& source, const std::string& from,
                                                    const images::Platform& platform);

}  // namespace minidocker::images_unpack
