#pragma once
/// \file
/// Blobs that are on their way in. An upload has an id that nobody can guess, a file that grows,
/// and a hash that grows with it, so that nothing is read twice. All of them end with the process:
/// whoever was uploading is told that his upload is unknown, and begins anew.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "minidocker/images/digest.hpp"
#include "minidocker/images/workspace.hpp"
#include "minidocker/toolbox/mutex.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::registry_server {

/// A blob of which `size` bytes have come. Its file is removed with it, unless it was moved away.
class Upload {
 public:
  /// The file `path` is made when the first byte comes.
  Upload(std::string repository, std::string path);
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload();

  [[nodiscard]] const std::string& repository() const noexcept { return repository_; }  ///< whose
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }                   ///< so far
  /// Adds bytes at its end. Throws SystemError; then it is good for nothing any more.
  void append(std::string_view bytes);
  /// The digest of all that came. Once.
  [[nodiscard]] images::Digest digest() { return hasher_.finish(); }
  /// Its file, on the disk (fsync(2)) and not only on its way there. Throws SystemError.
  [[nodiscard]] const std::string& settled_file();

 private:
  void open();
  std::string repository_;
  std::string path_;
  UniqueFd file_;
  images::Hasher hasher_;
  std::uint64_t size_ = 0;
};

/// How many, and how long.
struct UploadLimits {
  std::size_t at_once = 256;       ///< uploads that have begun and not ended: a file each
  std::chrono::seconds idle{600};  ///< after that one makes room for another
};

/// All uploads of a registry. Any number of threads may use it.
class Uploads {
 public:
  using Clock = std::chrono::steady_clock;  ///< what idleness is measured by

  /// An upload that one request works on, and no other meanwhile. Goes back to the others when
  /// the lease ends: a client that was cut off goes on where it was.
  class Lease {
   public:
    /// Of an upload that was taken out of `uploads`, which must outlive it.
    Lease(Uploads& uploads, std::string id, std::unique_ptr<Upload> upload)
        : uploads_(&uploads), id_(std::move(id)), upload_(std::move(upload)) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    [[nodiscard]] const std::string& id() const noexcept { return id_; }  ///< in its URL
    Upload* operator->() const noexcept { return upload_.get(); }         ///< the upload
    /// It does not go back: nobody can ask for it any more. It lives as long as the lease.
    void end();

   private:
    Uploads* uploads_;
    std::string id_;
    std::unique_ptr<Upload> upload_;
    bool has_ended_ = false;
  };

  /// Files lie in `temporaries`, where what a killed run has left is removed first. `now` is for
  /// tests. Throws SystemError.
  Uploads(const std::string& temporaries, UploadLimits limits,
          std::function<Clock::time_point()> now = Clock::now);

  /// A new one. Throws ApiError TOOMANYREQUESTS if there are too many, and none is idle.
  [[nodiscard]] Lease begin(const std::string& repository);
  /// The one with this id. Throws ApiError: BLOB_UPLOAD_UNKNOWN, also for another repository's;
  /// BLOB_UPLOAD_INVALID (409) if another request works on it.
  [[nodiscard]] Lease take(const std::string& repository, const std::string& id);
  /// How many have begun and not ended.
  [[nodiscard]] std::size_t count();

 private:
  struct Entry {
    std::string repository;
    std::unique_ptr<Upload> upload;  // null while it is leased
    Clock::time_point last_used;
  };
  void make_room() MD_REQUIRES(mutex_);

  UploadLimits limits_;
  std::function<Clock::time_point()> now_;
  Mutex mutex_;
  images::Workspace workspace_ MD_GUARDED_BY(mutex_);
  std::map<std::string, Entry> entries_ MD_GUARDED_BY(mutex_);
};

}  // namespace minidocker::registry_server
