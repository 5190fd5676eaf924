#pragma once
/// \file
/// Bytes on their way into a file: each stage writes to the one behind it.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "minidocker/images/digest.hpp"

namespace minidocker::images_unpack {

class Deflater;

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

/// How a layer travels.
enum class Compression : std::uint8_t {
  none,  ///< as it is
  gzip,  ///< by zlib, at its usual level: what every engine reads
  zstd,  ///< by libzstd, at its usual level: smaller and faster, read by engines since 2020
};

/// Compresses bytes and hands them on. The same bytes in give the same bytes out, as long as the
/// library is the same: no time and no name is written.
class CompressingSink final : public ByteSink {
 public:
  /// `behind` is borrowed.
  CompressingSink(ByteSink& behind, Compression compression);
  ~CompressingSink() override;
  void write(std::string_view data) override;  ///< throws as `behind`
  /// Writes what is still inside; once, at the end. Throws as `behind`.
  void finish();

 private:
  std::unique_ptr<Deflater> deflater_;
  ByteSink& behind_;
};

}  // namespace minidocker::images_unpack
