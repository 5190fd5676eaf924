#pragma once
/// \file
/// The blobs of one pull that the store lacks: fetched several at once into files that survive a
/// cut line, and read meanwhile by whoever unpacks them.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "growing_blob.hpp"
#include "minidocker/images/store.hpp"
#include "minidocker/registry/pull.hpp"
#include "minidocker/registry/reference.hpp"
#include "minidocker/registry/session.hpp"

namespace minidocker::registry {

/// Where the blobs of `store` lie while they come: `DIR/downloads/BOOT/HEX`. What another boot left
/// is removed: nobody had synced it, and after a power cut it may be anything. Throws SystemError.
[[nodiscard]] std::string open_downloads(const images::Store& store);

/// Owns the files of the blobs that come. They are removed with it, unless they were adopted or are
/// kept for the next pull, which goes on where this one ended; so it does after a kill. Whoever
/// makes one leases the digests.
class LayerDownloads {
 public:
  /// All borrowed. Throws SystemError.
  LayerDownloads(const Reference& reference, Session& session, const images::Store& store,
                 const TransferProgress& progress);
  LayerDownloads(const LayerDownloads&) = delete;
  LayerDownloads& operator=(const LayerDownloads&) = delete;
  ~LayerDownloads();

  /// Fetches a small blob, unless the store has it, without telling of it; returns its file. Throws
  /// as download_blob.
  std::string fetch_small(const images::Descriptor& blob);
  /// Fetches those of `layers`, which may repeat themselves, that the store lacks, at most
  /// `parallel` at once. `consumer` (may be null) reads all of them meanwhile, in a thread of its
  /// own. Throws what ended it: as download_blob, or as the consumer does.
  void fetch(const std::vector<ArrivingLayer>& layers, unsigned parallel, LayerConsumer* consumer);
  /// The layer's bytes, for ArrivingLayer::open.
  [[nodiscard]] LayerBytes open(const images::Descriptor& layer);

  [[nodiscard]] bool is_empty() const noexcept { return blobs_.empty(); }  ///< was all there?
  /// Moves all that was fetched into the store. Throws SystemError.
  void adopt(const images::StoreLock& lock);
  /// The files stay for the next pull.
  void keep() noexcept { keep_ = true; }

 private:
  GrowingBlob& add(const images::Descriptor& blob);
  std::vector<images::Descriptor> missing_of(const std::vector<ArrivingLayer>& layers);
  void fetch_all(const std::vector<images::Descriptor>& layers, unsigned parallel);
  void fetch_layer(const images::Descriptor& layer, const std::function<void()>& check);
  void tell(BlobProgress::Phase phase, const images::Descriptor& blob, std::uint64_t moved);

  const Reference& reference_;
  Session& session_;
  const images::Store& store_;
  const TransferProgress& progress_;
  std::string directory_;
  // Filled before threads begin.
  std::map<images::Digest, std::unique_ptr<GrowingBlob>> blobs_;
  std::atomic<bool> consumer_failed_ = false;
  bool keep_ = false;
  Mutex telling_;  // one thread at a time calls progress_
};

}  // namespace minidocker::registry
