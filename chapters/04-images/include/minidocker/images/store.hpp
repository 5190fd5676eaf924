#pragma once
/// \file
/// The store of images: an OCI image layout on disk (image-spec image-layout.md).
///
/// ```
///   DIR/oci-layout             {"imageLayoutVersion":"1.0.0"}
///   DIR/index.json             one entry per image and name, replaced as a whole by rename
///   DIR/blobs/sha256/HEX       manifests, configs, compressed layers: never changed
///   DIR/lock                   flock(2): held by whoever adds or sweeps
///   DIR/leases                 see blob_lease.hpp
/// ```
/// Blobs come first, the entry in index.json last: a run that is killed leaves at most blobs that
/// nothing names, and sweep() removes them. An image goes the other way round: first its entries,
/// then its blobs.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/image_config.hpp"
#include "minidocker/images/image_name.hpp"
#include "minidocker/images/manifest.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::images {

/// An image of the store.
struct Image {
  Digest id;                             ///< of its config: what docker shows as IMAGE ID
  Descriptor manifest;                   ///< of its manifest
  std::vector<ImageName> names;          ///< sorted; empty for an image without a name
  std::uint64_t size = 0;                ///< bytes of config and (compressed) layers
  std::vector<DigestName> digests = {};  ///< sorted: what registries call it
};

/// What a sweep removed.
struct Swept {
  std::size_t blobs = 0;    ///< how many
  std::uint64_t bytes = 0;  ///< of them
};

/// What stands in the file `oci-layout`.
inline constexpr std::string_view kLayoutText = R"({"imageLayoutVersion":"1.0.0"})";

/// How an image stands in an index.json: an entry for each name; one without a name if it has none.
[[nodiscard]] std::vector<Descriptor> entries_of(Descriptor manifest,
                                                 const std::vector<ImageName>& names,
                                                 const std::vector<DigestName>& digests);

/// Somebody else's adding and sweeping waits while this lives.
class StoreLock {
 public:
  /// Takes over a descriptor that holds the lock.
  explicit StoreLock(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

 private:
  UniqueFd fd_;
};

/// A store. Cheap to make; every call looks at the disk anew. Reading needs no lock.
class Store {
 public:
  /// Opens the layout in `dir`, making an empty one where there is none. Throws SystemError, or
  /// invalid_argument if `dir` holds a layout of another version.
  static Store open(const std::string& dir);

  [[nodiscard]] const std::string& dir() const noexcept { return dir_; }  ///< where it is
  /// Waits until nobody else adds or sweeps. Throws SystemError.
  [[nodiscard]] StoreLock lock() const;

  /// The blob's file.
  [[nodiscard]] std::string blob_path(const Digest& digest) const;
  /// Is the blob there, with this size (if one is said), and what its name says? Reads all of it.
  [[nodiscard]] bool has_whole_blob(const Digest& digest,
                                    std::optional<std::uint64_t> size = std::nullopt) const;
  /// Moves a finished file, whose content the caller has hashed to `digest`, to its place: fsync,
  /// rename, fsync of the directory. One that is there already stays, unless its size or digest
  /// show that it is damaged: then it is replaced. Throws SystemError.
  void adopt_blob(const StoreLock& lock, const std::string& file, const Digest& digest) const;
  /// Adds a small blob, in the place of a damaged one too. Throws SystemError.
  Digest put_blob(const StoreLock& lock, std::string_view content) const;
  /// The whole blob, size and digest verified; for documents, not layers. Throws not_found, or
  /// internal for a damaged blob.
  [[nodiscard]] std::string read_blob(const Descriptor& descriptor) const;
  /// Opens a blob for reading, its size verified: the reader verifies the digest. Throws as
  /// read_blob.
  [[nodiscard]] UniqueFd open_blob(const Descriptor& descriptor) const;

  /// All images, sorted by id. An entry whose manifest is missing or damaged is left out and told
  /// to the trace and to `damaged`: loading the image again repairs it. Throws if the index is
  /// damaged.
  [[nodiscard]] std::vector<Image> images(std::vector<std::string>* damaged = nullptr) const;
  /// As images(), but throws internal if an entry is damaged: for who removes what none needs.
  [[nodiscard]] std::vector<Image> whole_images() const;
  /// By name (`busybox`, `busybox:1.36`, `busybox@sha256:...`), id, or a unique beginning of the
  /// id. Throws conflict if several ids begin so.
  [[nodiscard]] std::optional<Image> find_image(std::string_view text) const;
  /// Like find_image; throws not_found in docker's words: `No such image: busybox:latest`; internal
  /// for one whose manifest is missing or damaged.
  [[nodiscard]] Image get_image(std::string_view text) const;
  /// What the index says of a name, even if the manifest is missing or damaged; nothing for what
  /// is no name.
  [[nodiscard]] std::optional<Digest> find_manifest(std::string_view name) const;
  [[nodiscard]] Manifest manifest_of(const Image& image) const;   ///< throws as read_blob
  [[nodiscard]] ImageConfig config_of(const Image& image) const;  ///< throws as read_blob

  /// Records an image whose blobs are all there under `names` and `digests`, which are taken away
  /// from other images; one that loses its last name stays without one. Without names it is
  /// recorded without one, unless it is there already. Throws.
  void add_image(const StoreLock& lock, const Descriptor& manifest,
                 const std::vector<ImageName>& names,
                 const std::vector<DigestName>& digests = {}) const;
  /// Takes a name away, in full (ImageName::full, DigestName::full); the image stays, without a
  /// name if it was the last. One that nobody has is fine. Throws.
  void remove_name(const StoreLock& lock, const std::string& full_name) const;
  /// Removes the image's entries: all its names, and with them what protects its blobs from
  /// sweep(). Throws.
  void remove_image(const StoreLock& lock, const Digest& manifest) const;

  /// Removes blobs that no image needs and nobody leases (BlobLease). Throws if what an image needs
  /// cannot be read; nothing is removed then.
  Swept sweep(const StoreLock& lock) const;
  /// Where blobs lie while a pull fetches them, each leased meanwhile: `DIR/downloads/BOOT/HEX`.
  [[nodiscard]] std::string downloads_dir() const { return dir_ + "/downloads"; }
  /// Removes what pulls that were cut off left there for the next one; not what somebody leases.
  /// Throws SystemError.
  [[nodiscard]] Swept sweep_downloads() const;
  /// Reads all blobs: a line for each that is missing or not what its name says, of all that an
  /// image needs and of all others. Nothing is changed. Throws if the index is damaged.
  [[nodiscard]] std::vector<std::string> check() const;

 private:
  explicit Store(std::string dir) : dir_(std::move(dir)) {}
  [[nodiscard]] Image read_image(const Descriptor& entry) const;
  [[nodiscard]] Index read_index() const;
  void write_index(const Index& index) const;
  void check_image(const Descriptor& entry, std::vector<std::string>& findings) const;
  std::string dir_;
};

}  // namespace minidocker::images
