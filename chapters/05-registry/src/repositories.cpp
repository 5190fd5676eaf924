#include "minidocker/registry_server/repositories.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "minidocker/images/image_name.hpp"
#include "minidocker/registry_server/api_error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::registry_server {

namespace {

using images::Digest;
using images::StoreLock;

constexpr std::string_view kBlobs = "_blobs";
constexpr std::string_view kManifests = "_manifests";
constexpr std::string_view kTags = "_tags";
constexpr std::string_view kReferrers = "_referrers";

std::vector<std::string> entries_of(const std::string& dir) {
  if (!exists(dir)) return {};
  std::vector<std::string> entries = list_dir(dir);
  // A killed run may have left a file under a temporary name.
  std::erase_if(entries, [](const std::string& name) { return name.starts_with('.'); });
  return entries;
}

bool remove_file(const std::string& path) {
  sys::Result<> removed = sys::unlink(path.c_str());
  if (removed.error() == ENOENT) return false;
  std::move(removed).or_throw(path);
  return true;
}

void sync_dir(const std::string& path) {
  const UniqueFd fd = sys::open(path.c_str(), O_RDONLY | O_DIRECTORY).or_throw(path);
  sys::fsync(fd.get()).or_throw(path);
}

// A new directory survives a power cut only if its parent was told to, up to the first that was
// there before.
void make_synced_dirs(const std::string& path) {
  std::vector<std::string> made;
  for (std::string dir = path; !exists(dir); dir.resize(dir.rfind('/'))) made.push_back(dir);
  make_dirs(path);
  for (const std::string& dir : made) sync_dir(dir.substr(0, dir.rfind('/')));
}

// Calls `visit` with each repository's name; its parts are the directories above.
template <class Visit>
void walk(const std::string& dir, const std::string& name, const Visit& visit) {
  bool is_repository = false;
  for (const std::string& entry : entries_of(dir)) {
    if (entry.starts_with('_')) {
      is_repository = true;
    } else {
      walk(dir + "/" + entry, name.empty() ? entry : name + "/" + entry, visit);
    }
  }
  if (is_repository) visit(name);
}

}  // namespace

void check_repository(std::string_view name) {
  if (images::is_repository_path(name)) return;
  throw ApiError(400, "NAME_INVALID",
                 fmt::format("repository {}: a name is lower case words joined by '.', '_', '-' "
                             "and '/', at most 245 characters",
                             quoted(name.substr(0, 300))));
}

std::string Repositories::place(const std::string& name, std::string_view kind,
                                std::string_view entry) const {
  return fmt::format("{}/{}/{}/{}", dir_, name, kind, entry);
}

void Repositories::write(const std::string& name, std::string_view kind, std::string_view entry,
                         std::string_view content) const {
  const std::string path = place(name, kind, entry);
  make_synced_dirs(path.substr(0, path.rfind('/')));
  write_atomically(path, content, 0644, Durability::synced);
}

std::vector<std::string> Repositories::names() const {
  std::vector<std::string> found;
  walk(dir_, "", [&](const std::string& name) {
    if (!entries_of(place(name, kManifests, "")).empty()) found.push_back(name);
  });
  std::ranges::sort(found);
  return found;
}

bool Repositories::exists(const std::string& name) const {
  return minidocker::exists(place(name, kManifests, "")) ||
         minidocker::exists(place(name, kBlobs, ""));
}

std::set<std::string> Repositories::used() const {
  std::set<std::string> found;
  walk(dir_, "", [&](const std::string& name) {
    for (const std::string_view kind : {kBlobs, kManifests}) {
      found.merge([&] {
        const std::vector<std::string> entries = entries_of(place(name, kind, ""));
        return std::set<std::string>(entries.begin(), entries.end());
      }());
    }
  });
  return found;
}

bool Repositories::has_blob(const std::string& name, const Digest& digest) const {
  return minidocker::exists(place(name, kBlobs, digest.hex()));
}

void Repositories::add_blob(const StoreLock&, const std::string& name, const Digest& digest) const {
  if (!has_blob(name, digest)) write(name, kBlobs, digest.hex(), "");
}

bool Repositories::remove_blob(const StoreLock&, const std::string& name,
                               const Digest& digest) const {
  return remove_file(place(name, kBlobs, digest.hex()));
}

std::optional<std::string> Repositories::find_manifest(const std::string& name,
                                                       const Digest& digest) const {
  return find_file(place(name, kManifests, digest.hex()));
}

void Repositories::add_manifest(const StoreLock&, const std::string& name, const Digest& digest,
                                const std::string& media_type,
                                const std::optional<Digest>& subject) const {
  if (subject) write(name, fmt::format("{}/{}", kReferrers, subject->hex()), digest.hex(), "");
  write(name, kManifests, digest.hex(), media_type);
}

bool Repositories::remove_manifest(const StoreLock& lock, const std::string& name,
                                   const Digest& digest,
                                   const std::optional<Digest>& subject) const {
  for (const std::string& tag : tags(name)) {
    if (find_tag(name, tag) == digest) remove_tag(lock, name, tag);
  }
  if (!remove_file(place(name, kManifests, digest.hex()))) return false;
  if (subject) {
    remove_file(place(name, fmt::format("{}/{}", kReferrers, subject->hex()), digest.hex()));
  }
  return true;
}

std::vector<Digest> Repositories::referrers(const std::string& name, const Digest& subject) const {
  std::vector<Digest> found;
  for (const std::string& hex : entries_of(place(name, kReferrers, subject.hex()))) {
    // One without its manifest is left of a killed run.
    if (const Digest digest = Digest::from_hex(hex); find_manifest(name, digest)) {
      found.push_back(digest);
    }
  }
  return found;
}

std::vector<std::string> Repositories::tags(const std::string& name) const {
  return entries_of(place(name, kTags, ""));
}

std::optional<Digest> Repositories::find_tag(const std::string& name,
                                             const std::string& tag) const {
  const std::optional<std::string> text = find_file(place(name, kTags, tag));
  return text ? Digest::find(*text) : std::nullopt;
}

void Repositories::set_tag(const StoreLock&, const std::string& name, const std::string& tag,
                           const Digest& digest) const {
  write(name, kTags, tag, digest.str());
}

bool Repositories::remove_tag(const StoreLock&, const std::string& name,
                              const std::string& tag) const {
  return remove_file(place(name, kTags, tag));
}

}  // namespace minidocker::registry_server
