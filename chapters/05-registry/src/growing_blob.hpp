#pragma once
/// \file
/// A blob on its way: one thread appends to its file, another may read what is there already and
/// waits for the rest.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "minidocker/images/digest.hpp"
#include "minidocker/toolbox/mutex.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::registry {

/// A file that grows up to a known size, its hash with it.
///
/// Invariant: the first `size_` bytes of the file are written and hashed. The writer alone changes
/// the file; readers touch only what lies before `size_`. After restart() the same bytes come
/// again, or else the digest is wrong, and no reader sees the end.
class GrowingBlob {
 public:
  /// Opens the file or makes it; what it holds is not believed before take_up(). Throws
  /// SystemError.
  GrowingBlob(std::string path, std::uint64_t whole);

  /// The writer: hashes what an earlier download left, telling how far it is. Throws SystemError.
  void take_up(const std::function<void(std::uint64_t bytes)>& moved);
  /// The writer: adds bytes at the end. Throws SystemError.
  void append(std::string_view piece);
  /// The writer: begins anew.
  void restart();
  /// The writer: the digest is right. Readers see the end only after this.
  void finish();
  [[nodiscard]] std::uint64_t size() const;                           ///< bytes so far
  [[nodiscard]] images::Digest digest() { return hasher_.finish(); }  ///< of them; used up then
  [[nodiscard]] const std::string& path() const { return path_; }     ///< of the file

  /// A reader: up to `size` bytes from `offset` on; waits for the first of them. 0 is the end.
  /// Throws Cancelled once give_up() was called.
  std::size_t read(std::uint64_t offset, void* buffer, std::size_t size) const;
  [[nodiscard]] bool is_finished() const;  ///< was finish() called?
  /// Whoever waits in read() shall not, from now on.
  void give_up();

 private:
  void grow_to(std::uint64_t size);
  [[nodiscard]] std::uint64_t wait_beyond(std::uint64_t offset) const;

  std::string path_;
  std::uint64_t whole_;
  UniqueFd fd_;
  images::Hasher hasher_;  // the writer's
  mutable Mutex mutex_;
  mutable Condition changed_;
  std::uint64_t size_ MD_GUARDED_BY(mutex_) = 0;
  bool finished_ MD_GUARDED_BY(mutex_) = false;
  bool given_up_ MD_GUARDED_BY(mutex_) = false;
};

}  // namespace minidocker::registry
