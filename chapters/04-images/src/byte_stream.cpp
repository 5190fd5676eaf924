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

constexpr std::size_t kInputBytes = std::size_t{256} * 1024;
struct Magic {
  const char* name;
  std::string_view bytes;
};
constexpr Magic kRefused[] = {{"xz",
                               "\xfd"
                               "7zXZ"},
                              {"bzip2", "BZh"}};
constexpr std::size_t kMagicBytes = 5;

// Bytes that were read to look at them, then the rest.
class Prefixed final : public ByteStream {
 public:
  Prefixed(std::string prefix, ByteStream& below) : prefix_(std::move(prefix)), below_(below) {}
  std::size_t read(void* buffer, std::size_t size) override {
    if (at_ == prefix_.size()) return below_.read(buffer, size);
    const std::size_t now = std::min(size, prefix_.size() - at_);
    std::memcpy(buffer, prefix_.data() + at_, now);
    at_ += now;
    return now;
  }

 private:
  std::string prefix_;
  ByteStream& below_;
  std::size_t at_ = 0;
};

// Owns the stage before it.
class OwningInflate final : public ByteStream {
 public:
  OwningInflate(std::unique_ptr<ByteStream> below, const std::string& what, InflateCode code)
      : below_(std::move(below)), inflate_(*below_, what, code) {}
  std::size_t read(void* buffer, std::size_t size) override { return inflate_.read(buffer, size); }

 private:
  std::unique_ptr<ByteStream> below_;
  InflateStream inflate_;
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

std::string read_magic(ByteStream& stream) {
  std::string magic(kMagicBytes, '\0');
  std::size_t have = 0;
  while (have < kMagicBytes) {
    const std::size_t got = stream.read(magic.data() + have, kMagicBytes - have);
    if (got == 0) break;
    have += got;
  }
  magic.resize(have);
  return magic;
}

}  // namespace

std::size_t FdStream::read(void* buffer, std::size_t size) {
  return sys::read(fd_, buffer, size).or_throw(what_);
}

std::size_t HashingStream::read(void* buffer, std::size_t size) {
  const std::size_t got = below_.read(buffer, size);
  hasher_.update(buffer, got);
  bytes_ += got;
  return got;
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

// Invariant: bytes [at, end) of `buffer` have been read and not been used.
struct InflateStream::Input {
  Input(ByteStream& source, std::string name, InflateCode code)
      : below(source), what(std::move(name)), inflater(make_inflater(code)), buffer(kInputBytes) {}

  [[noreturn]] void refuse(std::string_view why) const {
    throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", what, why));
  }

  // Is there input, old or new?
  bool fill() {
    if (at < end) return true;
    at = 0;
    end = ended ? 0 : below.read(buffer.data(), buffer.size());
    ended = end == 0;
    return end != 0;
  }

  // After a member: is there another one?
  bool next_member() {
    while (fill()) {
      if (inflater->begins_member(buffer[at])) {
        inflater->reset();
        between_members = false;
        return true;
      }
      if (buffer[at] != 0) {
        refuse(fmt::format("bytes that are no {} follow the compressed data", inflater->name()));
      }
      ++at;
    }
    return false;
  }

  std::size_t inflate(unsigned char* out, std::size_t size) {
    const Inflater::Step step = inflater->step(buffer.data() + at, end - at, out, size);
    at += step.consumed;
    if (step.damaged) refuse(fmt::format("the {} data is damaged", inflater->name()));
    between_members = step.member_ended;
    return step.produced;
  }

  ByteStream& below;
  std::string what;
  std::unique_ptr<Inflater> inflater;
  std::vector<unsigned char> buffer;
  std::size_t at = 0;
  std::size_t end = 0;
  bool ended = false;
  bool between_members = false;
};

InflateStream::InflateStream(ByteStream& below, std::string what, InflateCode code)
    : input_(std::make_unique<Input>(below, std::move(what), code)) {}

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

std::unique_ptr<ByteStream> decompress(ByteStream& below, const std::string& what) {
  std::string magic = read_magic(below);
  for (const Magic& refused : kRefused) {
    if (magic.starts_with(refused.bytes)) {
      throw Error(ErrorKind::invalid_argument,
                  fmt::format("{}: is compressed by {}, which is not supported; use gzip or zstd",
                              what, refused.name));
    }
  }
  const std::optional<InflateCode> code = code_for(magic);
  auto whole = std::make_unique<Prefixed>(std::move(magic), below);
  if (!code) return whole;
  return std::make_unique<OwningInflate>(std::move(whole), what, *code);
}

}  // namespace minidocker::images_unpack
