// What of the store is needed: the rest is swept away, and what is missing or damaged is told.
#include <fcntl.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "minidocker/images/blob_lease.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::images {

namespace {

// Those of a directory that `needed` has not and nobody leases.
void sweep_blobs(const std::string& directory, const std::set<std::string>& needed, BlobLease& ours,
                 Swept& swept) {
  for (const std::string& name : list_dir(directory)) {
    if (needed.contains(name)) continue;
    const std::optional<Digest> digest = Digest::find("sha256:" + name);
    if (digest && !ours.try_add(*digest)) continue;
    const std::string path = directory + "/" + name;
    const struct stat status =
        sys::fstatat(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW).or_throw(path);
    sys::unlink(path.c_str()).or_throw(path);
    ++swept.blobs;
    swept.bytes += static_cast<std::uint64_t>(status.st_size);
  }
}

}  // namespace

Swept Store::sweep(const StoreLock&) const {
  std::set<std::string> needed;
  for (const Image& image : whole_images()) {
    const Manifest manifest = manifest_of(image);
    needed.insert({image.manifest.digest.hex(), manifest.config.digest.hex()});
    for (const Descriptor& layer : manifest.layers) needed.insert(layer.digest.hex());
  }
  Swept swept;
  BlobLease ours(dir_);  // held until the end: nobody begins to count on what is about to go
  sweep_blobs(dir_ + "/blobs/sha256", needed, ours, swept);
  return swept;
}

// The directories stay: a pull that begins may have looked for its own already.
Swept Store::sweep_downloads() const {
  Swept swept;
  if (!exists(downloads_dir())) return swept;
  BlobLease ours(dir_);
  for (const std::string& boot : list_dir(downloads_dir())) {
    sweep_blobs(downloads_dir() + "/" + boot, {}, ours, swept);
  }
  return swept;
}

void Store::check_image(const Descriptor& entry, std::vector<std::string>& findings) const try {
  const Manifest manifest = parse_manifest(read_blob(entry), entry.digest.str());
  std::vector<Descriptor> named = manifest.layers;
  named.push_back(manifest.config);
  for (const Descriptor& blob : named) {
    try {
      static_cast<void>(open_blob(blob));
    } catch (const Error& error) {
      findings.push_back(fmt::format("image {}: {}", manifest.config.digest.str(), error.what()));
    }
  }
} catch (const Error& error) {
  findings.push_back(fmt::format("manifest {}: {}", entry.digest.str(), error.what()));
}

std::vector<std::string> Store::check() const {
  std::vector<std::string> findings;
  std::set<Digest> seen;
  for (const Descriptor& entry : read_index().manifests) {
    if (seen.insert(entry.digest).second) check_image(entry, findings);
  }
  // Sizes that documents name were compared above; here content is compared with names.
  for (const std::string& name : list_dir(dir_ + "/blobs/sha256")) {
    const std::optional<Digest> digest = Digest::find("sha256:" + name);
    if (digest && has_whole_blob(*digest)) continue;
    findings.push_back(fmt::format("blob {}: its content is not what its name says", name));
  }
  return findings;
}

}  // namespace minidocker::images
