#pragma once
/// \file
/// Bytes on their way into a file: each stage writes to the one behind it.

#include <cstdint>
#include <string>
#include <string_view>

#include "minidocker/images/digest.hpp"

namespace minidocker::images_unpack {

/// Where bytes go.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  /// Takes all of `data`. Throws.
  virtual void write(std::string_view data) = 0;
};

/// Writes to an open file from where it stands.
class FdSink final : public ByteSink {
 public:
  /// `fd` is borrowed; `what` names it in errors.
  FdSink(int fd, std::string what) : fd_(fd), what_(std::move(what)) {}
  void write(std::string_view data) override;  ///< throws SystemError

 private:
  int fd_;
  std::string what_;
};

/// Hands bytes on and hashes them on the way.
class HashingSink final : public ByteSink {
 public:
  explicit HashingSink(ByteSink& behind) : behind_(behind) {}            ///< `behind` is borrowed
  void write(std::string_view data) override;                            ///< throws as `behind`
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }  ///< seen so far
  /// Of all that was written; once, at the end.
  [[nodiscard]] images::Digest digest() { return hasher_.finish(); }

 private:
  ByteSink& behind_;
  images::Hasher hasher_;
  std::uint64_t bytes_ = 0;
};

}  // namespace minidocker::images_unpack
