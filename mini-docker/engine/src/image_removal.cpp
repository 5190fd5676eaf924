#include "image_removal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ranges>
#include <set>
#include <string_view>

#include "names.hpp"

namespace minidocker::engine {

namespace {

using images::DigestName;
using images::Image;
using images::ImageName;

bool is_id_of(const std::string& text, const Image& image) {
  return image.id.str().starts_with(text) || image.id.hex().starts_with(text);
}

std::string repository_of(const ImageName& name) { return name.familiar_repository(); }

/// All names in one repository, with at most one tag?
bool is_single_reference(const Image& image) {
  std::set<std::string> repositories;
  for (const ImageName& name : image.names) repositories.insert(repository_of(name));
  for (const DigestName& name : image.digests) repositories.insert(repository_of(name.repository));
  return repositories.size() <= 1 && image.names.size() <= 1;
}

bool has_names(const Image& image) { return !image.names.empty() || !image.digests.empty(); }

template <class AnyName>
ImageRemoval::Name name_of(const AnyName& name) {
  return {name.full(), name.familiar()};
}

/// A repository's digests go with its last tag.
void take_lonely_digests(Image& image, const ImageName& tag,
                         std::vector<ImageRemoval::Name>& lost) {
  const auto is_sibling = [&tag](const ImageName& other) {
    return repository_of(other) == repository_of(tag);
  };
  if (std::ranges::any_of(image.names, is_sibling)) return;
  for (const DigestName& digest : image.digests) {
    if (is_sibling(digest.repository)) lost.push_back(name_of(digest));
  }
  std::erase_if(image.digests,
                [&](const DigestName& digest) { return is_sibling(digest.repository); });
}

[[noreturn]] void refuse_deletion(const Image& image, std::string_view force,
                                  const std::string& why) {
  throw Error(ErrorKind::conflict, fmt::format("conflict: unable to delete {} ({}) - {}",
                                               image.id.short_id(), force, why));
}

}  // namespace

void ImageRemoval::remove(const std::string& text, Force force) {
  const std::optional<Image> image = store_.find_image(text);
  if (!image) {
    remove_damaged(text);
  } else if (is_id_of(text, *image)) {
    remove_id(*image, force);
  } else {
    remove_name(*image, text, force);
  }
}

/// A name whose manifest cannot be read: nobody can say what else it needs, but it can go.
void ImageRemoval::remove_damaged(const std::string& text) {
  const std::optional<images::Digest> manifest = store_.find_manifest(text);
  if (!manifest) static_cast<void>(store_.get_image(text));  // throws in docker's words
  store_.remove_image(lock_, *manifest);
  removed_.push_back({RemovedReference::Kind::untagged, text});
}

void ImageRemoval::remove_name(Image image, const std::string& text, Force force) {
  const std::vector<ImageUser> users = users_(image.id.hex());
  if (force == Force::no && is_single_reference(image) && !users.empty()) {
    throw Error(ErrorKind::conflict,
                fmt::format("conflict: unable to remove repository reference \"{}\" (must force) - "
                            "container {} is using its referenced image {}",
                            text, short_id(users.front().container), image.id.short_id()));
  }
  std::vector<Name> lost;
  if (text.find('@') != std::string::npos) {
    const DigestName name = DigestName::parse(text);
    lost.push_back(name_of(name));
    std::erase(image.digests, name);
  } else {
    const ImageName name = ImageName::parse(text);
    lost.push_back(name_of(name));
    std::erase(image.names, name);
    take_lonely_digests(image, name, lost);
  }
  if (!has_names(image)) refuse_used(image, force);  // before anything is gone
  for (const Name& name : lost) untag(name);
  if (!has_names(image)) drop(image);
}

void ImageRemoval::remove_id(const Image& image, Force force) {
  if (force == Force::no && !is_single_reference(image)) {
    refuse_deletion(image, "must be forced", "image is referenced in multiple repositories");
  }
  remove_whole(image, force);
}

void ImageRemoval::refuse_used(const Image& image, Force force) const {
  for (const ImageUser& user : users_(image.id.hex())) {
    if (user.is_running) {
      refuse_deletion(image, "cannot be forced",
                      "image is being used by running container " + short_id(user.container));
    }
    if (force == Force::no) {
      refuse_deletion(image, "must be forced",
                      "image is being used by stopped container " + short_id(user.container));
    }
  }
}

void ImageRemoval::remove_whole(const Image& image, Force force) {
  refuse_used(image, force);
  for (const ImageName& name : image.names) untag(name_of(name));
  for (const DigestName& name : image.digests) untag(name_of(name));
  drop(image);
}

void ImageRemoval::drop(const Image& image) {
  const std::vector<images::Digest> layers = chain_of(image);
  store_.remove_image(lock_, image.manifest.digest);
  removed_.push_back({RemovedReference::Kind::deleted, image.id.str()});
  if (!users_(image.id.hex()).empty()) return;  // whose layers stay
  std::set<images::Digest> kept;
  for (const Image& other : store_.images()) {
    for (const images::Digest& id : chain_of(other)) kept.insert(id);
  }
  for (const images::Digest& id : layers | std::views::reverse) {
    if (kept.contains(id)) continue;
    removed_.push_back({RemovedReference::Kind::deleted, id.str()});
  }
}

/// Chain IDs of its layers; none if its config cannot be read, which must not keep it here.
std::vector<images::Digest> ImageRemoval::chain_of(const Image& image) const try {
  return images::chain_ids(store_.config_of(image).diff_ids);
} catch (const Error&) {
  return {};
}

void ImageRemoval::untag(const Name& name) {
  store_.remove_name(lock_, name.full);
  removed_.push_back({RemovedReference::Kind::untagged, name.familiar});
}

void ImageRemoval::prune(PruneScope scope) {
  for (const Image& image : store_.images()) {
    if (scope == PruneScope::dangling && !image.names.empty()) continue;
    if (users_(image.id.hex()).empty()) remove_whole(image, Force::no);
  }
}

}  // namespace minidocker::engine
