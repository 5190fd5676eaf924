#include "deflater.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <string>
#include <vector>

#include <zlib.h>
#include <zstd.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::images_unpack {

namespace {

constexpr std::size_t kOutputBytes = std::size_t{128} * 1024;
constexpr int kGzipLevel = 6;
constexpr int kLargestWindow = 15;
constexpr int kWriteGzip = 16;  // added to the window's size: gzip's header and checksum
constexpr int kMostMemory = 8;
constexpr int kZstdLevel = 3;

class Plain final : public Deflater {
 public:
  void deflate(std::string_view data, ByteSink& out) override { out.write(data); }
  void finish(ByteSink&) override {}
};

class Gzip final : public Deflater {
 public:
  Gzip() : buffer_(kOutputBytes) {
    if (deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, kLargestWindow + kWriteGzip, kMostMemory,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() override { deflateEnd(&stream_); }

  void deflate(std::string_view data, ByteSink& out) override {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    while (!data.empty()) {
      const std::string_view now = data.substr(0, kMost);
      data.remove_prefix(now.size());
      // zlib's interface predates const.
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(now.data()));
      stream_.avail_in = static_cast<uInt>(now.size());
      while (stream_.avail_in > 0) step(Z_NO_FLUSH, out);
    }
  }

  void finish(ByteSink& out) override {
    while (step(Z_FINISH, out) != Z_STREAM_END) {
    }
  }

 private:
  int step(int flush, ByteSink& out) {
    stream_.next_out = buffer_.data();
    stream_.avail_out = static_cast<uInt>(buffer_.size());
    const int result = ::deflate(&stream_, flush);
    out.write({reinterpret_cast<const char*>(buffer_.data()), buffer_.size() - stream_.avail_out});
    return result;
  }

  z_stream stream_{};
  std::vector<Bytef> buffer_;
};

class Zstd final : public Deflater {
 public:
  Zstd() : context_(ZSTD_createCCtx()), buffer_(kOutputBytes) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
  }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() override { ZSTD_freeCCtx(context_); }

  void deflate(std::string_view data, ByteSink& out) override {
    ZSTD_inBuffer input{data.data(), data.size(), 0};
    while (input.pos < input.size) step(input, ZSTD_e_continue, out);
  }

  void finish(ByteSink& out) override {
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    while (step(nothing, ZSTD_e_end, out) != 0) {
    }
  }

 private:
  std::size_t step(ZSTD_inBuffer& input, ZSTD_EndDirective mode, ByteSink& out) {
    ZSTD_outBuffer output{buffer_.data(), buffer_.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context_, &output, &input, mode);
    if (ZSTD_isError(left) != 0) {
      throw Error(ErrorKind::internal, std::string("zstd: ") + ZSTD_getErrorName(left));
    }
    out.write({buffer_.data(), output.pos});
    return left;
  }

  ZSTD_CCtx* context_;
  std::vector<char> buffer_;
};

}  // namespace

std::unique_ptr<Deflater> make_deflater(Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return std::make_unique<Gzip>();
    case Compression::zstd:
      return std::make_unique<Zstd>();
    case Compression::none:
      break;
  }
  return std::make_unique<Plain>();
}

}  // namespace minidocker::images_unpack
