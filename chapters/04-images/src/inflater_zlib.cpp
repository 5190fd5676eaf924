#include <algorithm>
#include <limits>
#include <memory>
#include <new>

#include <zlib.h>

#include "inflater.hpp"

namespace minidocker::images_unpack {

namespace {

constexpr int kLargestWindow = 15;
constexpr int kGzipOnly = 16;  // added to the window's size: expect gzip's header and checksum

class ZlibInflater final : public GzipInflater {
 public:
  ZlibInflater() {
    if (inflateInit2(&stream_, kLargestWindow + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;
  ~ZlibInflater() override { inflateEnd(&stream_); }

  Step step(const unsigned char* in, std::size_t in_size, unsigned char* out,
            std::size_t out_size) override {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    stream_.next_in = const_cast<unsigned char*>(in);  // zlib's interface predates const
    stream_.avail_in = static_cast<uInt>(std::min(in_size, kMost));
    stream_.next_out = out;
    stream_.avail_out = static_cast<uInt>(std::min(out_size, kMost));
    const int result = inflate(&stream_, Z_NO_FLUSH);
    Step step;
    step.consumed = static_cast<std::size_t>(stream_.next_in - in);
    step.produced = static_cast<std::size_t>(stream_.next_out - out);
    step.member_ended = result == Z_STREAM_END;
    // Z_BUF_ERROR only says that one side was empty.
    step.damaged = result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR;
    return step;
  }

  void reset() override { inflateReset(&stream_); }

 private:
  z_stream stream_{};
};

}  // namespace

std::unique_ptr<Inflater> make_zlib_inflater() { return std::make_unique<ZlibInflater>(); }

}  // namespace minidocker::images_unpack
