#include "layer_downloads.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <set>
#include <thread>
#include <utility>

#include "blob_download.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/unique_fd.hpp"
#include "parallel.hpp"

namespace minidocker::registry {

namespace {

using images::Descriptor;
using images::Digest;
using Phase = BlobProgress::Phase;

/// How often a layer is told of: so many times, whatever its size.
constexpr std::uint64_t kSteps = 100;

// True for every hundredth part of `size` that `moved` passes.
class Steps {
 public:
  explicit Steps(std::uint64_t size) : step_(size / kSteps + 1) {}
  bool passed(std::uint64_t moved) {
    if (moved < next_) return false;
    next_ = moved + step_;
    return true;
  }

 private:
  std::uint64_t step_;
  std::uint64_t next_ = step_;
};

template <class Body>
std::exception_ptr failure_of(Body body) {
  try {
    body();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

// Whoever was cancelled is not the one who failed.
bool is_reason(const std::exception_ptr& failure) {
  if (!failure) return false;
  try {
    std::rethrow_exception(failure);
  } catch (const Cancelled&) {
    return false;
  } catch (...) {
    return true;
  }
}

}  // namespace

std::string open_downloads(const images::Store& store) {
  const std::string all = store.downloads_dir();
  std::string boot = read_file("/proc/sys/kernel/random/boot_id");
  while (boot.ends_with('\n')) boot.pop_back();
  make_dirs(all + "/" + boot);
  for (const std::string& name : list_dir(all)) {
    if (name != boot) remove_tree(all + "/" + name);
  }
  return all + "/" + boot;
}

LayerDownloads::LayerDownloads(const Reference& reference, Session& session,
                               const images::Store& store, const TransferProgress& progress)
    : reference_(reference),
      session_(session),
      store_(store),
      progress_(progress),
      directory_(open_downloads(store)) {}

LayerDownloads::~LayerDownloads() {
  if (keep_) return;
  for (const auto& [digest, blob] : blobs_) ::unlink(blob->path().c_str());
}

GrowingBlob& LayerDownloads::add(const Descriptor& blob) {
  const std::string path = directory_ + "/" + blob.digest.hex();
  auto file = std::make_unique<GrowingBlob>(path, blob.size);
  return *(blobs_[blob.digest] = std::move(file));
}

std::string LayerDownloads::fetch_small(const Descriptor& blob) {
  if (store_.has_whole_blob(blob.digest, blob.size)) return store_.blob_path(blob.digest);
  GrowingBlob& file = add(blob);
  const DownloadWatch quiet{[](std::uint64_t) {}, [](std::uint64_t) {}, [] {}};
  download_blob(reference_, session_, blob, file, quiet);
  return file.path();
}

std::vector<Descriptor> LayerDownloads::missing_of(const std::vector<ArrivingLayer>& layers) {
  std::vector<Descriptor> missing;
  std::set<Digest> seen;
  for (const ArrivingLayer& layer : layers) {
    if (!seen.insert(layer.blob.digest).second) continue;
    const bool is_there = store_.has_whole_blob(layer.blob.digest, layer.blob.size);
    tell(is_there ? Phase::exists : Phase::waiting, layer.blob, 0);
    if (is_there) continue;
    add(layer.blob);
    missing.push_back(layer.blob);
  }
  return missing;
}

void LayerDownloads::fetch(const std::vector<ArrivingLayer>& layers, unsigned parallel,
                           LayerConsumer* consumer) {
  const std::vector<Descriptor> missing = missing_of(layers);
  if (consumer == nullptr) return fetch_all(missing, parallel);
  std::exception_ptr consuming;
  std::exception_ptr fetching;
  {
    const std::jthread reader([&] {
      consuming = failure_of([&] { consumer->consume(layers); });
      if (consuming) consumer_failed_ = true;
    });
    fetching = failure_of([&] { fetch_all(missing, parallel); });
    if (fetching) {
      for (const auto& [digest, blob] : blobs_) blob->give_up();
    }
  }
  if (is_reason(fetching)) std::rethrow_exception(fetching);
  if (consuming) std::rethrow_exception(consuming);
}

void LayerDownloads::fetch_all(const std::vector<Descriptor>& layers, unsigned parallel) {
  for (std::size_t i = parallel; i < layers.size(); ++i) tell(Phase::queued, layers[i], 0);
  in_parallel(layers.size(), parallel, [&](std::size_t i, const std::function<void()>& check) {
    fetch_layer(layers[i], [&] {
      check();
      if (consumer_failed_) throw Cancelled();
    });
  });
}

void LayerDownloads::fetch_layer(const Descriptor& layer, const std::function<void()>& check) {
  Steps steps(layer.size);
  GrowingBlob& file = *blobs_.at(layer.digest);
  const DownloadWatch watch{[&](std::uint64_t bytes) {
                              check();
                              if (steps.passed(bytes)) tell(Phase::moving, layer, bytes);
                            },
                            [&](std::uint64_t bytes) {
                              check();
                              tell(Phase::again, layer, bytes);
                            },
                            [&] { tell(Phase::verifying, layer, layer.size); }};
  download_blob(reference_, session_, layer, file, watch);
  tell(Phase::done, layer, layer.size);
  file.finish();
}

LayerBytes LayerDownloads::open(const Descriptor& layer) {
  using ReadAt = std::function<std::size_t(std::uint64_t offset, void* buffer, std::size_t size)>;
  const auto found = blobs_.find(layer.digest);
  const GrowingBlob* const coming = found == blobs_.end() ? nullptr : found->second.get();
  ReadAt read_at;
  if (coming != nullptr) {
    read_at = [coming](auto... where) { return coming->read(where...); };
  } else {
    const auto fd = std::make_shared<UniqueFd>(store_.open_blob(layer));
    read_at = [fd, layer](std::uint64_t offset, void* buffer, std::size_t size) {
      const ssize_t got = ::pread(fd->get(), buffer, size, static_cast<off_t>(offset));
      if (got < 0) throw SystemError("pread", "blob " + layer.digest.str(), errno);
      return static_cast<std::size_t>(got);
    };
  }
  return [this, layer, coming, read_at, steps = Steps(layer.size), offset = std::uint64_t{0}](
             void* buffer, std::size_t size) mutable {
    const std::size_t got = read_at(offset, buffer, size);
    offset += got;
    // As long as it comes, that is what people are told.
    const bool is_here = coming == nullptr || coming->is_finished();
    if (is_here && steps.passed(offset)) tell(Phase::unpacking, layer, offset);
    return got;
  };
}

void LayerDownloads::adopt(const images::StoreLock& lock) {
  for (const auto& [digest, blob] : blobs_) store_.adopt_blob(lock, blob->path(), digest);
}

void LayerDownloads::tell(Phase phase, const Descriptor& blob, std::uint64_t moved) {
  const MutexLock lock(telling_);
  progress_({phase, blob.digest, moved, blob.size});
}

}  // namespace minidocker::registry
