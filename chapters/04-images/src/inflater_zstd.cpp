#include <memory>
#include <new>

#include <zstd.h>

#include "inflater.hpp"

namespace minidocker::images_unpack {

namespace {

// A frame may ask for this much memory (128 MiB: what `zstd --ultra -22` asks for). libzstd would
// refuse more by itself; named here, as the worker's memory depends on it.
constexpr int kMaxWindowLog = 27;

class ZstdInflater final : public Inflater {
 public:
  ZstdInflater() : context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMaxWindowLog);
  }
  ZstdInflater(const ZstdInflater&) = delete;
  ZstdInflater& operator=(const ZstdInflater&) = delete;
  ~ZstdInflater() override { ZSTD_freeDCtx(context_); }

  Step step(const unsigned char* in, std::size_t in_size, unsigned char* out,
            std::size_t out_size) override {
    ZSTD_inBuffer input{in, in_size, 0};
    ZSTD_outBuffer output{out, out_size, 0};
    const std::size_t result = ZSTD_decompressStream(context_, &output, &input);
    Step step;
    step.consumed = input.pos;
    step.produced = output.pos;
    step.damaged = ZSTD_isError(result) != 0;
    // A skippable frame (RFC 8878 3.1.2) is one that produces nothing.
    step.member_ended = result == 0;
    return step;
  }

  void reset() override { ZSTD_DCtx_reset(context_, ZSTD_reset_session_only); }

  [[nodiscard]] bool begins_member(unsigned char byte) const override {
    return byte == 0x28 || (byte & 0xf0U) == 0x50;
  }
  [[nodiscard]] const char* name() const override { return "zstd"; }

 private:
  ZSTD_DCtx* context_;
};

}  // namespace

std::unique_ptr<Inflater> make_zstd_inflater() { return std::make_unique<ZstdInflater>(); }

}  // namespace minidocker::images_unpack
