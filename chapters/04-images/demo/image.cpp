// image: an image taken apart and put together by hand. It reads an OCI image layout (a directory),
// the form that `mini-docker save --layout` writes.

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "minidocker/images/store.hpp"
#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/images_unpack/pack_layer.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace {

namespace images = minidocker::images;
namespace images_unpack = minidocker::images_unpack;
using minidocker::UniqueFd;

constexpr int kFailed = 1;
constexpr std::uint64_t kMostBytes = std::uint64_t{256} << 30U;

struct Request {
  std::string layout;
  std::string name;
  std::string directory;
  std::string upper;
  std::vector<std::string> lowers;
  std::string file;
};

void print(const std::string& text) {
  minidocker::write_all(STDOUT_FILENO, text, "standard output");
}

// The image that is named, or the only one.
images::Image find(const images::Store& store, const std::string& name) {
  if (!name.empty()) return store.get_image(name);
  const std::vector<images::Image> all = store.images();
  if (all.size() == 1) return all.front();
  throw minidocker::Error(minidocker::ErrorKind::invalid_argument,
                          fmt::format("{} holds {} images: name one", store.dir(), all.size()));
}

images::Store open(const Request& request) {
  // A new one is not what is meant.
  static_cast<void>(minidocker::read_file(request.layout + "/oci-layout"));
  return images::Store::open(request.layout);
}

void inspect(const Request& request) {
  const images::Store store = open(request);
  const images::Image image = find(store, request.name);
  const images::Manifest manifest = store.manifest_of(image);
  std::string text = fmt::format("manifest  {}\n", image.manifest.digest.str());
  for (const images::ImageName& name : image.names) text += "name      " + name.full() + "\n";
  text +=
      fmt::format("config    {}  {} bytes\n", manifest.config.digest.str(), manifest.config.size);
  for (const images::Descriptor& layer : manifest.layers) {
    text += fmt::format("layer     {}  {} bytes  {}\n", layer.digest.str(), layer.size,
                        layer.media_type.substr(layer.media_type.rfind('.') + 1));
  }
  print(text);
}

void tree(const Request& request) {
  const images::Store store = open(request);
  const images::ImageConfig config = store.config_of(find(store, request.name));
  const std::vector<images::Digest> chain = images::chain_ids(config.diff_ids);
  std::string text = "diff ID of the layer   chain ID: with all below it   what made it\n";
  auto layer = chain.begin();
  for (const images::HistoryStep& step : config.history) {
    if (step.empty_layer || layer == chain.end()) {
      text += fmt::format("{:<54}{}\n", "", step.created_by);
      continue;
    }
    const auto at = static_cast<std::size_t>(layer - chain.begin());
    text += fmt::format("{:<23}{:<31}{}\n", config.diff_ids[at].short_id(), layer->short_id(),
                        step.created_by);
    ++layer;
  }
  print(text);
}

// Each layer becomes a directory of its own, as overlay wants them.
void unpack(const Request& request) {
  const images::Store store = open(request);
  const images::Image image = find(store, request.name);
  const images::Manifest manifest = store.manifest_of(image);
  const images::ImageConfig config = store.config_of(image);
  images_unpack::ByteBudget budget(kMostBytes);
  const images_unpack::NoUmask no_umask;
  std::string lowers;
  for (std::size_t i = 0; i < manifest.layers.size() && i < config.diff_ids.size(); ++i) {
    const std::string target = fmt::format("{}/{}", request.directory, i + 1);
    minidocker::make_dirs(target);
    const UniqueFd blob = store.open_blob(manifest.layers[i]);
    const auto report =
        images_unpack::unpack_layer({blob.get(), "layer " + config.diff_ids[i].str(),
                                     manifest.layers[i].digest, config.diff_ids[i]},
                                    target, budget);
    print(fmt::format("{}: {} members, {} bytes\n", target, report.entries, report.bytes));
    lowers.insert(0, target + (lowers.empty() ? "" : ":"));
  }
  print("mount -t overlay -o userxattr,lowerdir=" + lowers + " none /mnt\n");
}

// What an overlay's upper directory changes of those below becomes a layer.
void pack(const Request& request) {
  const UniqueFd file =
      minidocker::sys::open(request.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644)
          .or_throw(request.file);
  const images_unpack::PackedLayer layer = images_unpack::pack_layer(
      request.upper, request.lowers, file.get(), images_unpack::Compression::gzip);
  print(fmt::format("digest   {}  {} bytes\ndiff ID  {}  {} bytes\n", layer.digest.str(),
                    layer.size, layer.diff_id.str(), layer.bytes));
}

void add_image(CLI::App& verb, Request& request) {
  verb.add_option("LAYOUT", request.layout, "an OCI image layout")->required();
}

int run(CLI::App& app, const Request& request) {
  try {
    if (app.got_subcommand("inspect")) inspect(request);
    if (app.got_subcommand("tree")) tree(request);
    if (app.got_subcommand("unpack")) unpack(request);
    if (app.got_subcommand("pack")) pack(request);
  } catch (const std::exception& error) {
    fmt::print(stderr, "image: {}\n", error.what());
    return kFailed;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("An image taken apart and put together by hand.", "image");
  app.require_subcommand(1);
  Request request;
  CLI::App* const inspect_verb = app.add_subcommand("inspect", "print what the manifest names");
  CLI::App* const tree_verb = app.add_subcommand("tree", "print the layers and what made them");
  CLI::App* const unpack_verb = app.add_subcommand("unpack", "each layer into a directory");
  CLI::App* const pack_verb = app.add_subcommand("pack", "what a directory changes, as a layer");
  for (CLI::App* verb : {inspect_verb, tree_verb, unpack_verb}) add_image(*verb, request);
  unpack_verb->add_option("DIR", request.directory, "gets 1, 2, 3 ...")->required();
  for (CLI::App* verb : {inspect_verb, tree_verb, unpack_verb}) {
    verb->add_option("--name", request.name, "which image, if there are several");
  }
  pack_verb->add_option("FILE", request.file, "the layer")->required();
  pack_verb->add_option("UPPER", request.upper, "the directory that was written to")->required();
  pack_verb->add_option("LOWER", request.lowers, "those below it, the topmost first");
  CLI11_PARSE(app, argc, argv);
  return run(app, request);
}
