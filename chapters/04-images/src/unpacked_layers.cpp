#include "minidocker/images_unpack/unpacked_layers.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "in_parallel.hpp"
#include "minidocker/images_unpack/no_umask.hpp"
#include "minidocker/images_unpack/unpack_layer.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images_unpack {

namespace {

using images::Digest;
using images::WorkerEvent;

// An FdStream that owns its file.
class FileStream final : public ByteStream {
 public:
  FileStream(UniqueFd fd, std::string what)
      : fd_(std::move(fd)), stream_(fd_.get(), std::move(what)) {}
  std::size_t read(void* buffer, std::size_t size) override { return stream_.read(buffer, size); }

 private:
  UniqueFd fd_;
  FdStream stream_;
};

WorkerEvent layer_event(const Digest& diff_id, const UnpackReport& report, bool reused) {
  WorkerEvent event;
  event.type = WorkerEvent::Type::layer;
  event.diff_id = diff_id.str();
  event.entries = report.entries;
  event.bytes = report.bytes;
  event.reused = reused;
  return event;
}

void warn(const Digest& diff_id, const UnpackReport& report, const Progress& progress) {
  if (report.squashed > 0) {
    progress(WorkerEvent::of(
        WorkerEvent::Type::warning,
        fmt::format(
            "layer {}: {} files of other users belong to you now: keeping them apart needs root or "
            "subordinate ids (/etc/subuid, /etc/subgid)",
            diff_id.short_id(), report.squashed)));
  }
  for (const auto& [name, count] : report.lost_xattrs) {
    progress(WorkerEvent::of(WorkerEvent::Type::warning,
                             fmt::format("layer {}: attribute {} of {} files was not taken over",
                                         diff_id.short_id(), minidocker::quoted(name), count)));
  }
}

struct Job {
  const WantedLayer* layer;
  std::string directory;
};

}  // namespace

std::unique_ptr<ByteStream> stream_of(UniqueFd fd, std::string what) {
  return std::make_unique<FileStream>(std::move(fd), std::move(what));
}

void UnpackedLayers::add(std::span<const WantedLayer> layers) {
  std::vector<Job> jobs;
  for (const WantedLayer& layer : layers) {
    if (target_.layers.has(layer.diff_id) || directories_.contains(layer.diff_id)) {
      progress_(layer_event(layer.diff_id, {}, /*reused=*/true));
      continue;
    }
    const std::string directory = target_.workspace.fresh("layer");
    make_dirs(directory);
    directories_.emplace(layer.diff_id, directory);
    jobs.push_back({&layer, directory});
  }
  const NoUmask no_umask;
  in_parallel(jobs.size(), [&](std::size_t i, const std::stop_token& stop) {
    unpack(*jobs[i].layer, jobs[i].directory, stop);
  });
}

void UnpackedLayers::unpack(const WantedLayer& layer, const std::string& directory,
                            const std::stop_token& stop) {
  UnpackOptions options;
  options.owners = target_.owners;
  options.stop = stop;
  const std::unique_ptr<ByteStream> blob = layer.open();
  const UnpackReport report = unpack_layer({.fd = -1,
                                            .what = "layer " + layer.diff_id.str(),
                                            .digest = layer.digest,
                                            .diff_id = layer.diff_id,
                                            .stream = blob.get()},
                                           directory, budget_, options);
  const MutexLock lock(telling_);
  warn(layer.diff_id, report, progress_);
  progress_(layer_event(layer.diff_id, report, /*reused=*/false));
}

// A name of ours says "complete": the content must be on the disk before the name is.
void UnpackedLayers::commit(const images::StoreLock& lock) const {
  if (directories_.empty()) return;
  const std::string& any = directories_.begin()->second;
  const UniqueFd fd = sys::open(any.c_str(), O_RDONLY | O_DIRECTORY).or_throw(any);
  sys::syncfs(fd.get()).or_throw(any);
  for (const auto& [diff_id, directory] : directories_) {
    target_.layers.commit(lock, directory, diff_id);
  }
}

}  // namespace minidocker::images_unpack
