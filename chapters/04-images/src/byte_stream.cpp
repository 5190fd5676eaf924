#include "minidocker/images_unpack/byte_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "inflater.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::images_unpack {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} * 1024;
struct Magic {
  const char* name;
  std::string_view bytes;
};
constexpr Magic kRefused[] = {{"xz",
                               "\xfd"
                               "7zXZ"},
                              {"bzip2", "BZh"}};

// Data that is not compressed; a first piece of it was taken already.
class PlainStream final : public ByteStream {
 public:
  PlainStream(PieceStream& below, std::string_view first) : below_(below), rest_(first) {}
  std::size_t read(void* buffer, std::size_t size) override {
    if (rest_.empty()) rest_ = below_.next_piece();
    const std::size_t now = std::min(size, rest_.size());
    std::memcpy(buffer, rest_.data(), now);
    rest_.remove_prefix(now);
    return now;
  }

 private:
  PieceStream& below_;
  std::string_view rest_;
};

// The code for data that begins so; nothing for plain data.
std::optional<InflateCode> code_for(std::string_view magic) {
  using namespace std::string_view_literals;
  if (magic.starts_with("\x1f\x8b")) return best_gzip_code();
  if (magic.starts_with("\x28\xb5\x2f\xfd")) return InflateCode::zstd;
  // A frame to be skipped may come first: 16 magic numbers are for those.
  const bool skippable =
      magic.size() >= 4 && (static_cast<unsigned char>(magic[0]) & 0xf0U) == 0x50;
  if (skippable && magic.substr(1, 3) == "\x2a\x4d\x18"sv) return InflateCode::zstd;
  return std::nullopt;
}

std::unique_ptr<Inflater> make_inflater(InflateCode code) {
  switch (code) {
    case InflateCode::igzip:
#if MD_HAS_ISAL
      return make_igzip_inflater();
#else
      throw Error(ErrorKind::unavailable, "igzip: this mini-docker was built without ISA-L");
#endif
    case InflateCode::zlib:
      return make_zlib_inflater();
    case InflateCode::zstd:
      break;
  }
  return make_zstd_inflater();
}

}  // namespace

std::size_t FdStream::read(void* buffer, std::size_t size) {
  return sys::read(fd_, buffer, size).or_throw(what_);
}

BufferedPieces::BufferedPieces(ByteStream& below) : below_(below), buffer_(kBufferBytes) {}

std::string_view BufferedPieces::next_piece() {
  return {buffer_.data(), read_full(below_, buffer_.data(), buffer_.size())};
}

std::size_t read_full(ByteStream& stream, char* buffer, std::size_t size) {
  std::size_t have = 0;
  while (have < size) {
    const std::size_t got = stream.read(buffer + have, size - have);
    if (got == 0) break;
    have += got;
  }
  return have;
}

void ByteBudget::check(std::uint64_t bytes, const std::string& what) const {
  if (bytes <= left_) return;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("{}: what is loaded unpacks to more than {} bytes", what, most_));
}

void ByteBudget::take(std::uint64_t bytes, const std::string& what) {
  std::uint64_t left = left_;
  do {
    if (bytes > left) check(bytes, what);
  } while (!left_.compare_exchange_weak(left, left - bytes));
}

std::size_t BoundedStream::read(void* buffer, std::size_t size) {
  const std::size_t got = below_.read(buffer, size);
  budget_.take(got, what_);
  return got;
}

InflateCode best_gzip_code() noexcept {
#if !MD_HAS_ISAL
  return InflateCode::zlib;
#elif defined(__x86_64__)
  const bool suits = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.2");
  return suits ? InflateCode::igzip : InflateCode::zlib;
#elif defined(__aarch64__)
  return InflateCode::igzip;  // chooses among its own kinds of code at run time
#else
  return InflateCode::zlib;
#endif
}

struct InflateStream::Input {
  [[noreturn]] void refuse(std::string_view why) const {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", what, why));
  }

  // Is there input, old or new?
  bool fill() {
    if (rest.empty() && !ended) rest = below.next_piece();
    ended = rest.empty();
    return !ended;
  }

  // After a member: is there another one?
  bool next_member() {
    while (fill()) {
      const auto byte = static_cast<unsigned char>(rest.front());
      if (inflater->begins_member(byte)) {
        inflater->reset();
        between_members = false;
        return true;
      }
      if (byte != 0) {
        refuse(fmt::format("bytes that are no {} follow the compressed data", inflater->name()));
      }
      rest.remove_prefix(1);
    }
    return false;
  }

  std::size_t inflate(unsigned char* out, std::size_t size) {
    const auto* in = reinterpret_cast<const unsigned char*>(rest.data());
    const Inflater::Step step = inflater->step(in, rest.size(), out, size);
    rest.remove_prefix(step.consumed);
    if (step.damaged) refuse(fmt::format("the {} data is damaged", inflater->name()));
    between_members = step.member_ended;
    return step.produced;
  }

  PieceStream& below;
  std::string what;
  std::unique_ptr<Inflater> inflater;
  std::string_view rest;  // of the present piece: not used yet
  bool ended = false;
  bool between_members = false;
};

InflateStream::InflateStream(PieceStream& below, std::string what, InflateCode code,
                             std::string_view first)
    : input_(std::make_unique<Input>(below, std::move(what), make_inflater(code), first)) {}

InflateStream::~InflateStream() = default;

std::size_t InflateStream::read(void* buffer, std::size_t size) {
  Input& input = *input_;
  while (true) {
    if (input.between_members && !input.next_member()) return 0;
    const bool more = input.fill();
    // Also without input: output may be waiting inside the inflater.
    const std::size_t produced = input.inflate(static_cast<unsigned char*>(buffer), size);
    if (produced > 0) return produced;
    if (!more && !input.between_members) {
      input.refuse(fmt::format("the {} data ends too early", input.inflater->name()));
    }
  }
}

std::unique_ptr<ByteStream> decompress(PieceStream& below, const std::string& what) {
  const std::string_view first = below.next_piece();
  for (const Magic& refused : kRefused) {
    if (first.starts_with(refused.bytes)) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("{}: is compressed by {}, which is not supported; use gzip or zstd",
                              what, refused.name));
    }
  }
  const std::optional<InflateCode> code = code_for(first);
  if (!code) return std::make_unique<PlainStream>(below, first);
  return std::make_unique<InflateStream>(below, what, *code, first);
}

}  // namespace minidocker::images_unpack
