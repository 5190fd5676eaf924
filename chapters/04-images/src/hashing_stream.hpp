#pragma once
/// \file
/// A stream that is hashed while somebody reads it.

#include "minidocker/images/digest.hpp"
#include "minidocker/images_unpack/byte_stream.hpp"

namespace minidocker::images_unpack {

/// Hands bytes on and hashes them on the way.
class HashingStream final : public ByteStream {
 public:
  explicit HashingStream(ByteStream& below) : below_(below) {}  ///< `below` is borrowed
  std::size_t read(void* buffer, std::size_t size) override {
    const std::size_t got = below_.read(buffer, size);
    hasher_.update(buffer, got);
    return got;
  }
  /// Of all that was read; once, at the end.
  [[nodiscard]] images::Digest digest() { return hasher_.finish(); }

 private:
  ByteStream& below_;
  images::Hasher hasher_;
};

}  // namespace minidocker::images_unpack
