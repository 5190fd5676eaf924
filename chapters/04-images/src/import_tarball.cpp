#include "import_tarball.hpp"

#include <fcntl.h>

#include <memory>
#include <vector>

#include <nlohmann/json.hpp>

#include "hashing_stream.hpp"
#include "minidocker/images/config_changes.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "text_stream.hpp"

namespace minidocker::images_unpack {

namespace {

using nlohmann::json;

constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;

StagedFile stage_layer(const std::string& from, images::Workspace& workspace, ByteBudget& budget) {
  const std::string what = from == "-" ? "standard input" : from;
  UniqueFd opened;
  if (from != "-") opened = sys::open(from.c_str(), O_RDONLY).or_throw(from);
  FdStream file(from == "-" ? 0 : opened.get(), what);
  BoundedStream bounded(file, budget, what);
  return stage(bounded, workspace);
}

// Of the archive that the layer holds: its name as a layer.
images::Digest diff_id_of(const StagedFile& layer, const std::string& what, ByteBudget& budget) {
  const UniqueFd fd = sys::open(layer.path.c_str(), O_RDONLY).or_throw(layer.path);
  FdStream file(fd.get(), what);
  BufferedPieces compressed(file);
  const std::unique_ptr<ByteStream> inside = decompress(compressed, what);
  BoundedStream bounded(*inside, budget, what);
  HashingStream archive(bounded);
  std::vector<char> buffer(kPieceBytes);
  while (archive.read(buffer.data(), buffer.size()) > 0) {
  }
  return archive.digest();
}

std::string config_of(const images::Digest& diff_id, const TarballOptions& options,
                      const images::Platform& platform) {
  json config{{"created", options.created},
              {"os", platform.os},
              {"architecture", platform.architecture},
              {"config", json::parse(images::change_config("{}", options.changes))},
              {"rootfs", {{"type", "layers"}, {"diff_ids", {diff_id.str()}}}},
              {"history", {{{"created", options.created}, {"comment", options.comment}}}}};
  if (!platform.variant.empty()) config["variant"] = platform.variant;
  return config.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

PlannedImage plan_tarball(const std::string& from, const TarballOptions& options,
                          const ImportTarget& target, ByteBudget& budget) {
  const StagedFile layer = stage_layer(from, target.workspace, budget);
  const images::Digest diff_id = diff_id_of(layer, from, budget);
  const std::string text = config_of(diff_id, options, target.platform);
  TextStream content(text);
  const StagedFile config = stage(content, target.workspace);
  PlannedImage image{{images::kOciConfig, config.digest, config.size},
                     {},
                     images::parse_image_config(text, "config of the import"),
                     config,
                     {layer},
                     options.names};
  describe(image);
  return image;
}

}  // namespace minidocker::images_unpack
