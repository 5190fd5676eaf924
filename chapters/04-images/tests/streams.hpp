#pragma once
/// \file
/// Streams of bytes that a test holds in memory.

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "minidocker/images_unpack/byte_stream.hpp"

namespace minidocker::images_unpack::testing {

/// Gives its text in pieces of at most `piece` bytes, as a pipe or a slow disk may.
class TextStream final : public ByteStream {
 public:
  TextStream(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}
  std::size_t read(void* buffer, std::size_t size) override {
    const std::size_t now = std::min({size, piece_, left()});
    std::memcpy(buffer, text_.data() + at_, now);
    at_ += now;
    return now;
  }
  /// What was not read yet.
  [[nodiscard]] std::size_t left() const { return text_.size() - at_; }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

/// Shows its text in pieces of `piece` bytes. Tar needs whole blocks of 512.
class TextPieces final : public PieceStream {
 public:
  TextPieces(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}
  std::string_view next_piece() override {
    const std::size_t now = std::min(piece_, left());
    at_ += now;
    return std::string_view(text_).substr(at_ - now, now);
  }
  /// What was not shown yet.
  [[nodiscard]] std::size_t left() const { return text_.size() - at_; }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

/// All that a stream gives, read in pieces of at most `piece` bytes.
inline std::string read_whole(ByteStream& stream, std::size_t piece) {
  std::string text;
  std::string buffer(piece, '\0');
  while (const std::size_t got = stream.read(buffer.data(), piece)) text.append(buffer, 0, got);
  return text;
}

}  // namespace minidocker::images_unpack::testing
