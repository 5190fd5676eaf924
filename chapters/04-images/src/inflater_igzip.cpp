#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>

#include <isa-l/igzip_lib.h>

#include "inflater.hpp"

namespace minidocker::images_unpack {

namespace {

class IgzipInflater final : public GzipInflater {
 public:
  IgzipInflater() {
    isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
  }

  Step step(const unsigned char* in, std::size_t in_size, unsigned char* out,
            std::size_t out_size) override {
    constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
    state_.next_in = const_cast<unsigned char*>(in);  // igzip's interface predates const
    state_.avail_in = static_cast<std::uint32_t>(std::min(in_size, kMost));
    state_.next_out = out;
    state_.avail_out = static_cast<std::uint32_t>(std::min(out_size, kMost));
    const int result = isal_inflate(&state_);
    Step step;
    step.consumed = static_cast<std::size_t>(state_.next_in - in);
    step.produced = static_cast<std::size_t>(state_.next_out - out);
    step.damaged = result != ISAL_DECOMP_OK && result != ISAL_END_INPUT;
    step.member_ended = !step.damaged && state_.block_state == ISAL_BLOCK_FINISH;
    return step;
  }

  void reset() override {
    isal_inflate_reset(&state_);
    state_.crc_flag = ISAL_GZIP;
  }

 private:
  struct inflate_state state_{};
};

}  // namespace

std::unique_ptr<Inflater> make_igzip_inflater() { return std::make_unique<IgzipInflater>(); }

}  // namespace minidocker::images_unpack
