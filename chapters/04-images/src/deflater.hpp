#pragma once
/// \file
/// Compression by one of two libraries, or none.

#include <memory>
#include <string_view>

#include "minidocker/images_unpack/byte_sink.hpp"

namespace minidocker::images_unpack {

/// Compresses one stream.
class Deflater {
 public:
  virtual ~Deflater() = default;
  /// Takes all of `data`; what is ready goes to `out`.
  virtual void deflate(std::string_view data, ByteSink& out) = 0;
  /// All that is left goes to `out`.
  virtual void finish(ByteSink& out) = 0;
};

/// For that form. Throws std::bad_alloc.
[[nodiscard]] std::unique_ptr<Deflater> make_deflater(Compression compression);

}  // namespace minidocker::images_unpack
