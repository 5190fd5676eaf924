#include "minidocker/images_unpack/save.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include <nlohmann/json.hpp>

#include "hashing_stream.hpp"
#include "minidocker/toolbox/error.hpp"
#include "text_stream.hpp"

namespace minidocker::images_unpack {

namespace {

using images::Descriptor;
using images::Digest;
using images::Image;
using images::ImageName;
using nlohmann::json;

// An image with those of its names that were asked for.
struct Chosen {
  Image image;
  std::vector<ImageName> names;
};

// A name without tag and digest means a repository.
bool is_bare(const std::string& text) {
  const std::size_t slash = text.rfind('/');
  return text.find_first_of(":@", slash == std::string::npos ? 0 : slash) == std::string::npos;
}

class Selection {
 public:
  explicit Selection(const images::Store& store) : store_(store), all_(store.images()) {}

  void add(const std::string& text) {
    if (is_bare(text) && add_repository(text)) return;
    const Image image = store_.get_image(text);
    const auto name = std::ranges::find_if(
        image.names, [&text](const ImageName& each) { return is_typed_so(text, each); });
    choose(image, name == image.names.end() ? std::nullopt : std::optional(*name));
  }
  [[nodiscard]] const std::vector<Chosen>& chosen() const { return chosen_; }

 private:
  // Would people who type `text` mean `name`? An id, or the beginning of one, is no name.
  static bool is_typed_so(const std::string& text, const ImageName& name) {
    try {
      return ImageName::parse(text) == name;
    } catch (const Error&) {
      return false;
    }
  }

  bool add_repository(const std::string& text) {
    bool is_there = false;
    for (const Image& image : all_) {
      for (const ImageName& name : image.names) {
        ImageName tagged = name;
        tagged.tag = "latest";
        if (!is_typed_so(text, tagged)) continue;
        choose(image, name);
        is_there = true;
      }
    }
    return is_there;
  }

  void choose(const Image& image, const std::optional<ImageName>& name) {
    auto same = std::ranges::find_if(chosen_, [&image](const Chosen& each) {
      return each.image.manifest.digest == image.manifest.digest;
    });
    if (same == chosen_.end()) same = chosen_.insert(chosen_.end(), {image, {}});
    if (name && std::ranges::find(same->names, *name) == same->names.end()) {
      same->names.push_back(*name);
    }
  }

  const images::Store& store_;
  std::vector<Image> all_;
  std::vector<Chosen> chosen_;
};

std::string file_of(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

class Saver {
 public:
  Saver(const images::Store& store, ImageOutput& output) : store_(store), output_(output) {}

  void add(const Chosen& chosen) {
    const images::Manifest manifest = store_.manifest_of(chosen.image);
    blobs_.emplace(chosen.image.manifest.digest, chosen.image.manifest);
    blobs_.emplace(manifest.config.digest, manifest.config);
    json layers = json::array();
    for (const Descriptor& layer : manifest.layers) {
      blobs_.emplace(layer.digest, layer);
      layers.push_back(file_of(layer.digest));
    }
    json tags;  // null for an image without a name, as docker writes it
    for (const ImageName& name : chosen.names) {
      tags.push_back(name.familiar());
      if (manifest.layers.empty()) continue;
      repositories_[name.familiar_repository()][name.tag] = manifest.layers.back().digest.hex();
    }
    docker_.push_back(
        {{"Config", file_of(manifest.config.digest)}, {"RepoTags", tags}, {"Layers", layers}});
    std::ranges::move(images::entries_of(chosen.image.manifest, chosen.names, {}),
                      std::back_inserter(index_.manifests));
  }

  void write() {
    output_.add_directory("blobs");
    output_.add_directory("blobs/sha256");
    for (const auto& [digest, blob] : blobs_) write_blob(blob);
    write_text("index.json", images::to_json(index_));
    write_text("manifest.json", docker_.dump());
    write_text("oci-layout", std::string(images::kLayoutText));
    if (!repositories_.empty()) write_text("repositories", repositories_.dump());
    output_.finish();
  }

 private:
  void write_blob(const Descriptor& blob) {
    const UniqueFd fd = store_.open_blob(blob);
    FdStream file(fd.get(), store_.blob_path(blob.digest));
    HashingStream content(file);
    output_.add_file(file_of(blob.digest), blob.size, content);
    if (content.digest() == blob.digest) return;
    throw Error(ErrorKind::internal, fmt::format("image store: blob {} is damaged; load the image "
                                                 "again",
                                                 blob.digest.str()));
  }
  void write_text(const std::string& name, const std::string& text) {
    TextStream content(text);
    output_.add_file(name, text.size(), content);
  }

  const images::Store& store_;
  ImageOutput& output_;
  std::map<Digest, Descriptor> blobs_;  // sorted by name, each once
  images::Index index_;
  json docker_ = json::array();
  json repositories_ = json::object();
};

}  // namespace

void save_images(const images::Store& store, const std::vector<std::string>& names,
                 ImageOutput& output) {
  Selection selection(store);
  for (const std::string& name : names) selection.add(name);
  Saver saver(store, output);
  for (const Chosen& chosen : selection.chosen()) saver.add(chosen);
  saver.write();
}

}  // namespace minidocker::images_unpack
