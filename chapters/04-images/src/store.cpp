#include "minidocker/images/store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::images {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;

void check_layout(const std::string& dir, std::string_view text) {
  const std::string what = dir + "/oci-layout";
  const nlohmann::json document = parse_document(text, what);
  if (!string_member(document, "imageLayoutVersion", what).starts_with("1.")) {
    refuse_member(what, "imageLayoutVersion", "1.x");
  }
}

[[noreturn]] void damaged(const Descriptor& descriptor, const std::string& why) {
  throw Error(ErrorKind::internal, fmt::format("image store: blob {} is damaged: {}; load the "
                                               "image again",
                                               descriptor.digest.str(), why));
}

// The full name of an entry of our own index; empty if it has none.
std::string name_of(const Descriptor& entry) {
  const auto found = entry.annotations.find(kNameAnnotation);
  return found == entry.annotations.end() ? "" : found->second;
}

void add_name(Image& image, const std::string& full_name) {
  if (full_name.empty()) return;
  if (full_name.find('@') == std::string::npos) {
    image.names.push_back(ImageName::parse(full_name));
  } else {
    image.digests.push_back(DigestName::parse(full_name));
  }
}

bool has_digest(const Image& image, const DigestName& name) {
  return std::ranges::binary_search(image.digests, name);
}

// `entry` without a name, unless the image is listed already: containers may be made of it.
void keep_listed(Index& index, Descriptor entry) {
  entry.annotations.clear();
  const bool is_listed = std::ranges::find(index.manifests, entry.digest, &Descriptor::digest) !=
                         index.manifests.end();
  if (!is_listed) index.manifests.push_back(std::move(entry));
}

std::uint64_t size_of(const Manifest& manifest) {
  std::uint64_t size = manifest.config.size;
  for (const Descriptor& layer : manifest.layers) size += layer.size;
  return size;
}

// As docker shows what was looked for: a name without a tag means its tag `latest`.
std::string shown(std::string_view text) try {
  if (text.find('@') != std::string_view::npos || text.starts_with("sha256:")) {
    return std::string(text);
  }
  return ImageName::parse(text).familiar();
} catch (const Error&) {
  return std::string(text);
}

bool begins_like_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

std::vector<Descriptor> entries_of(Descriptor manifest, const std::vector<ImageName>& names,
                                   const std::vector<DigestName>& digests) {
  std::vector<Descriptor> entries;
  for (const ImageName& name : names) {
    manifest.annotations = {{kNameAnnotation, name.full()}, {kRefAnnotation, name.tag}};
    entries.push_back(manifest);
  }
  for (const DigestName& name : digests) {
    manifest.annotations = {{kNameAnnotation, name.full()}};
    entries.push_back(manifest);
  }
  if (entries.empty()) {
    manifest.annotations.clear();
    entries.push_back(manifest);
  }
  return entries;
}

Store Store::open(const std::string& dir) {
  make_dirs(dir + "/blobs/sha256");
  const std::string layout = dir + "/oci-layout";
  if (const std::optional<std::string> text = find_file(layout)) {
    check_layout(dir, *text);
  } else {
    write_atomically(layout, kLayoutText);
  }
  return Store(dir);
}

StoreLock Store::lock() const {
  const std::string path = dir_ + "/lock";
  UniqueFd fd = sys::open(path.c_str(), O_RDWR | O_CREAT, 0600).or_throw(path);
  sys::flock(fd.get(), LOCK_EX).or_throw(path);
  return StoreLock(std::move(fd));
}

std::string Store::blob_path(const Digest& digest) const {
  return dir_ + "/blobs/sha256/" + digest.hex();
}

// A disk or a power cut may have changed it since.
bool Store::has_whole_blob(const Digest& digest, std::optional<std::uint64_t> size) const {
  const std::string path = blob_path(digest);
  sys::Result<UniqueFd> opened = sys::open(path.c_str(), O_RDONLY | O_NOFOLLOW);
  if (!opened) return false;
  const UniqueFd fd = std::move(opened).value();
  const sys::Result<struct stat> status = sys::fstat(fd.get());
  if (!status) return false;
  if (size && static_cast<std::uint64_t>(status.value().st_size) != *size) return false;
  Hasher hasher;
  std::vector<char> buffer(kPieceBytes);
  while (true) {
    const sys::Result<std::size_t> got = sys::read(fd.get(), buffer.data(), buffer.size());
    if (!got) return false;
    if (got.value() == 0) return hasher.finish() == digest;
    hasher.update(buffer.data(), got.value());
  }
}

void Store::adopt_blob(const StoreLock&, const std::string& file, const Digest& digest) const {
  const UniqueFd fd = sys::open(file.c_str(), O_RDONLY).or_throw(file);
  const struct stat status = sys::fstat(fd.get()).or_throw(file);
  if (has_whole_blob(digest, static_cast<std::uint64_t>(status.st_size))) return;
  sys::fsync(fd.get()).or_throw(file);
  const std::string path = blob_path(digest);
  sys::renameat2(AT_FDCWD, file.c_str(), AT_FDCWD, path.c_str()).or_throw(path);
  const std::string directory = dir_ + "/blobs/sha256";
  const UniqueFd parent = sys::open(directory.c_str(), O_RDONLY | O_DIRECTORY).or_throw(directory);
  sys::fsync(parent.get()).or_throw(directory);
}

Digest Store::put_blob(const StoreLock&, std::string_view content) const {
  Digest digest = Digest::of(content);
  if (!has_whole_blob(digest, content.size())) {
    write_atomically(blob_path(digest), content, 0644, Durability::synced);
  }
  return digest;
}

UniqueFd Store::open_blob(const Descriptor& descriptor) const {
  const std::string path = blob_path(descriptor.digest);
  sys::Result<UniqueFd> blob = sys::open(path.c_str(), O_RDONLY | O_NOFOLLOW);
  if (blob.error() == ENOENT) {
    throw Error(ErrorKind::not_found, fmt::format("image store: blob {} is missing in {}; load "
                                                  "the image again",
                                                  descriptor.digest.str(), dir_));
  }
  UniqueFd fd = std::move(blob).or_throw(path);
  const struct stat status = sys::fstat(fd.get()).or_throw(path);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size != descriptor.size) {
    damaged(descriptor, fmt::format("it has {} bytes instead of {}", size, descriptor.size));
  }
  return fd;
}

std::string Store::read_blob(const Descriptor& descriptor) const {
  if (descriptor.size > kMaxDocument) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("image store: blob {} of {} bytes is too large for a document",
                            descriptor.digest.str(), descriptor.size));
  }
  const UniqueFd blob = open_blob(descriptor);
  std::string content = read_all(blob.get(), blob_path(descriptor.digest));
  if (const Digest digest = Digest::of(content); digest != descriptor.digest) {
    damaged(descriptor, "its content has digest " + digest.str());
  }
  return content;
}

Index Store::read_index() const {
  const std::string path = dir_ + "/index.json";
  const std::optional<std::string> text = find_file(path);
  return text ? parse_index(*text, path) : Index{};
}

void Store::write_index(const Index& index) const {
  write_atomically(dir_ + "/index.json", to_json(index), 0644, Durability::synced);
}

Image Store::read_image(const Descriptor& entry) const {
  const Manifest manifest = parse_manifest(read_blob(entry), entry.digest.str());
  Image image{manifest.config.digest, entry, {}, size_of(manifest)};
  image.manifest.annotations.clear();
  return image;
}

std::vector<Image> Store::images(std::vector<std::string>* damaged) const {
  std::map<Digest, Image> by_manifest;
  for (const Descriptor& entry : read_index().manifests) {
    try {
      auto found = by_manifest.find(entry.digest);
      if (found == by_manifest.end()) {
        found = by_manifest.emplace(entry.digest, read_image(entry)).first;
      }
      add_name(found->second, name_of(entry));
    } catch (const Error& error) {
      const trace::Scope told("04-images", "leave out an image that is damaged", error.what());
      if (damaged != nullptr) damaged->emplace_back(error.what());
    }
  }
  std::vector<Image> images;
  for (auto& [digest, image] : by_manifest) {
    std::ranges::sort(image.names);
    std::ranges::sort(image.digests);
    images.push_back(std::move(image));
  }
  std::ranges::sort(images, {}, &Image::id);
  return images;
}

std::vector<Image> Store::whole_images() const {
  std::vector<std::string> damaged;
  std::vector<Image> whole = images(&damaged);
  if (damaged.empty()) return whole;
  throw Error(ErrorKind::internal, damaged.front());
}

std::optional<Image> Store::find_image(std::string_view text) const {
  const std::vector<Image> all = images();
  if (text.find('@') != std::string_view::npos) {
    const DigestName name = DigestName::parse(text);
    const auto found =
        std::ranges::find_if(all, [&name](const Image& image) { return has_digest(image, name); });
    return found == all.end() ? std::nullopt : std::optional(*found);
  }
  const bool has_algorithm = text.starts_with("sha256:");
  const std::string_view id = has_algorithm ? text.substr(7) : text;
  const bool is_whole_id = id.size() == 64 && begins_like_id(id);  // such are no names, for docker
  if (!has_algorithm && !is_whole_id) {
    try {
      const ImageName name = ImageName::parse(text);
      for (const Image& image : all) {
        if (std::ranges::binary_search(image.names, name)) return image;
      }
    } catch (const Error&) {
      if (!begins_like_id(id)) throw;
    }
  }
  if (!begins_like_id(id)) return std::nullopt;
  std::optional<Image> found;
  for (const Image& image : all) {
    if (!image.id.hex().starts_with(id)) continue;
    if (found && found->id != image.id) {
      throw Error(ErrorKind::conflict, fmt::format("image id {} is ambiguous: give more of it",
                                                   minidocker::quoted(text)));
    }
    if (!found) found = image;
  }
  return found;
}

Image Store::get_image(std::string_view text) const {
  if (std::optional<Image> image = find_image(text)) return std::move(*image);
  if (const std::optional<Digest> manifest = find_manifest(text)) {
    throw Error(ErrorKind::internal, fmt::format("image {}: its manifest {} is missing or damaged; "
                                                 "load or pull it again",
                                                 shown(text), manifest->str()));
  }
  throw Error(ErrorKind::not_found, fmt::format("No such image: {}", shown(text)));
}

std::optional<Digest> Store::find_manifest(std::string_view name) const try {
  const bool has_digest = name.find('@') != std::string_view::npos;
  const std::string full =
      has_digest ? DigestName::parse(name).full() : ImageName::parse(name).full();
  const std::vector<Descriptor> entries = read_index().manifests;
  const auto entry = std::ranges::find(entries, full, name_of);
  return entry == entries.end() ? std::nullopt : std::optional(entry->digest);
} catch (const Error& error) {
  if (error.kind() == ErrorKind::invalid_argument) return std::nullopt;  // it is no name
  throw;
}

Manifest Store::manifest_of(const Image& image) const {
  return parse_manifest(read_blob(image.manifest), image.manifest.digest.str());
}

ImageConfig Store::config_of(const Image& image) const {
  const Descriptor config = manifest_of(image).config;
  return parse_image_config(read_blob(config), config.digest.str());
}

void Store::add_image(const StoreLock&, const Descriptor& manifest,
                      const std::vector<ImageName>& names,
                      const std::vector<DigestName>& digests) const {
  const std::vector<Descriptor> wanted = entries_of(manifest, names, digests);
  std::set<std::string> taken;
  for (const Descriptor& entry : wanted) taken.insert(name_of(entry));
  Index index;
  std::vector<Descriptor> bare;  // entries without a name, and those whose name is taken
  for (const Descriptor& entry : read_index().manifests) {
    const std::string name = name_of(entry);
    const bool stays = !name.empty() && !taken.contains(name);
    (stays ? index.manifests : bare).push_back(entry);
  }
  for (const Descriptor& entry : wanted) {
    (name_of(entry).empty() ? bare : index.manifests).push_back(entry);
  }
  for (const Descriptor& entry : bare) keep_listed(index, entry);
  write_index(index);
}

void Store::remove_name(const StoreLock&, const std::string& full_name) const {
  Index index;
  std::optional<Descriptor> lost;
  for (const Descriptor& entry : read_index().manifests) {
    if (name_of(entry) == full_name) {
      lost = entry;
    } else {
      index.manifests.push_back(entry);
    }
  }
  if (!lost) return;
  keep_listed(index, *lost);
  write_index(index);
}

void Store::remove_image(const StoreLock&, const Digest& manifest) const {
  Index index = read_index();
  std::erase_if(index.manifests,
                [&manifest](const Descriptor& entry) { return entry.digest == manifest; });
  write_index(index);
}

}  // namespace minidocker::images
