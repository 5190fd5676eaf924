#pragma once
/// \file
/// A text as a stream, for what is written beside blobs.

#include <algorithm>
#include <cstring>
#include <string_view>

#include "minidocker/images_unpack/byte_stream.hpp"

namespace minidocker::images_unpack {

/// Gives a text that somebody else holds.
class TextStream final : public ByteStream {
 public:
  explicit TextStream(std::string_view text) : left_(text) {}  ///< of that text, borrowed
  std::size_t read(void* buffer, std::size_t size) override {
    const std::size_t now = std::min(size, left_.size());
    std::memcpy(buffer, left_.data(), now);
    left_.remove_prefix(now);
    return now;
  }

 private:
  std::string_view left_;
};

}  // namespace minidocker::images_unpack
