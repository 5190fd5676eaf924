#pragma once
/// \file
/// Where a body ends (RFC 9112 sections 6 and 7): after so many bytes, or after the last chunk.
///
/// ```
///   length:   data ──> done                    lines:  1a;what=ever        chunk_size
///   chunked:  chunk_size ──> data ──> chunk_end        26 bytes            data
///                 ↑                       │            (empty)             chunk_end
///                 └───────────────────────┘            0                   chunk_size
///             chunk_size 0 ──> trailer ──> done        Name: value         trailer
///                                                      (empty)             done
/// ```

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "minidocker/http/message.hpp"
#include "request_head.hpp"

namespace minidocker::http {

/// Reads one body in whatever pieces it comes. No socket is near: what is there is handed in.
class BodyReader {
 public:
  /// The body that follows this head.
  explicit BodyReader(const RequestHead& head);

  /// Has all of it been read, or is there none?
  [[nodiscard]] bool is_done() const noexcept { return state_ == State::done; }
  /// Hands what is in `bytes` of the body to `receiver` and returns how many bytes were used: fewer
  /// than all if more must come first, or if the body has ended. Throws StatusError(400), and what
  /// the receiver throws.
  std::size_t read(std::string_view bytes, BodyReceiver& receiver);

 private:
  enum class State { chunk_size, data, chunk_end, trailer, done };
  std::size_t take_data(std::string_view bytes, BodyReceiver& receiver);
  std::size_t take_line(std::string_view bytes);
  void on_line(std::string_view line);

  bool is_chunked_;
  State state_;
  std::uint64_t left_ = 0;    // data: bytes of it that have not come
  std::size_t trailers_ = 0;  // lines of the trailer
};

}  // namespace minidocker::http
