#pragma once
/// \file
/// One member of gzip data, or frame of zstd data, inflated by one of three libraries.

#include <cstddef>
#include <memory>

#include "minidocker/images_unpack/byte_stream.hpp"

namespace minidocker::images_unpack {

/// Inflates one member after the other.
class Inflater {
 public:
  /// What one call did.
  struct Step {
    std::size_t consumed = 0;   ///< bytes of the input used up
    std::size_t produced = 0;   ///< bytes of the output filled
    bool member_ended = false;  ///< header, data and checksum of a member are through
    bool damaged = false;       ///< what came is something else, or the checksum disagrees
  };
  virtual ~Inflater() = default;
  /// Goes on with the member; either side may be short.
  virtual Step step(const unsigned char* in, std::size_t in_size, unsigned char* out,
                    std::size_t out_size) = 0;
  /// The next bytes begin a new member.
  virtual void reset() = 0;
  /// Can a member begin with this byte?
  [[nodiscard]] virtual bool begins_member(unsigned char byte) const = 0;
  /// "gzip" or "zstd".
  [[nodiscard]] virtual const char* name() const = 0;
};

/// Inflates gzip, whoever does the work.
class GzipInflater : public Inflater {
 public:
  [[nodiscard]] bool begins_member(unsigned char byte) const override { return byte == 0x1f; }
  [[nodiscard]] const char* name() const override { return "gzip"; }
};

#if MD_HAS_ISAL
/// Using ISA-L's igzip.
[[nodiscard]] std::unique_ptr<Inflater> make_igzip_inflater();
#endif
/// Using zlib.
[[nodiscard]] std::unique_ptr<Inflater> make_zlib_inflater();
/// zstd, using libzstd.
[[nodiscard]] std::unique_ptr<Inflater> make_zstd_inflater();

}  // namespace minidocker::images_unpack
