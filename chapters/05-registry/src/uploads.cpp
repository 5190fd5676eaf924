#include "minidocker/registry_server/uploads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <vector>

#include "minidocker/registry_server/api_error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::registry_server {

namespace {

// Whoever knows it may write to the upload.
std::string random_id() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw SystemError("getrandom", "id of an upload", errno);
  }
  std::string id;
  for (const unsigned char byte : bytes) fmt::format_to(std::back_inserter(id), "{:02x}", byte);
  return id;
}

const std::string& cleaned(const std::string& temporaries) {
  images::clean_temporaries(temporaries);
  return temporaries;
}

}  // namespace

Upload::Upload(std::string repository, std::string path)
    : repository_(std::move(repository)), path_(std::move(path)) {}

Upload::~Upload() {
  if (file_) static_cast<void>(sys::unlink(path_.c_str()).ok());  // it may have been moved away
}

void Upload::open() {
  if (!file_) file_ = sys::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644).or_throw(path_);
}

void Upload::append(std::string_view bytes) {
  open();
  write_all(file_.get(), bytes, path_);
  hasher_.update(bytes.data(), bytes.size());
  size_ += bytes.size();
}

const std::string& Upload::settled_file() {
  open();
  sys::fsync(file_.get()).or_throw(path_);
  return path_;
}

Uploads::Lease::~Lease() {
  if (!upload_ || has_ended_) return;
  const MutexLock lock(uploads_->mutex_);
  Entry& entry = uploads_->entries_.at(id_);
  entry.upload = std::move(upload_);
  entry.last_used = uploads_->now_();
}

void Uploads::Lease::end() {
  const MutexLock lock(uploads_->mutex_);
  uploads_->entries_.erase(id_);
  has_ended_ = true;
}

Uploads::Uploads(const std::string& temporaries, UploadLimits limits,
                 std::function<Clock::time_point()> now)
    : limits_(limits), now_(std::move(now)), workspace_(cleaned(temporaries)) {}

Uploads::Lease Uploads::begin(const std::string& repository) {
  std::string id = random_id();
  const MutexLock lock(mutex_);
  if (entries_.size() >= limits_.at_once) make_room();
  entries_.insert_or_assign(id, Entry{repository, nullptr, now_()});
  return {*this, id, std::make_unique<Upload>(repository, workspace_.fresh("upload"))};
}

void Uploads::make_room() {
  const Clock::time_point oldest = now_() - limits_.idle;
  std::erase_if(entries_, [oldest](const auto& entry) {
    return entry.second.upload != nullptr && entry.second.last_used < oldest;
  });
  if (entries_.size() < limits_.at_once) return;
  throw ApiError(429, "TOOMANYREQUESTS",
                 fmt::format("{} uploads have begun and not ended", entries_.size()),
                 {{"Retry-After", "10"}});
}

Uploads::Lease Uploads::take(const std::string& repository, const std::string& id) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.repository != repository) {
    throw ApiError(404, "BLOB_UPLOAD_UNKNOWN",
                   fmt::format("there is no upload {} to {}; begin anew", quoted(id.substr(0, 64)),
                               repository));
  }
  if (found->second.upload == nullptr) {
    throw ApiError(409, "BLOB_UPLOAD_INVALID", "another request works on this upload");
  }
  return {*this, id, std::move(found->second.upload)};
}

std::size_t Uploads::count() {
  const MutexLock lock(mutex_);
  return entries_.size();
}

}  // namespace minidocker::registry_server
