#include "tar_fuzzer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "minidocker/images_unpack/tar_reader.hpp"
#include "minidocker/toolbox/error.hpp"
#include "streams.hpp"
#include "tree_path.hpp"

namespace minidocker::images_unpack {
namespace {

constexpr std::size_t kMost = std::size_t{1} << 20U;  // of text; the rest is not asked for

// What is inside, up to that; nothing for damaged data.
template <class Begin>
std::optional<std::string> inflated(std::string_view bytes, std::size_t in, std::size_t out,
                                    Begin begin) {
  testing::TextPieces pieces(std::string(bytes), in);
  std::string text;
  std::string buffer(out, '\0');
  try {
    const std::unique_ptr<ByteStream> stream = begin(pieces);
    while (text.size() < kMost) {
      const std::size_t got = stream->read(buffer.data(), std::min(out, kMost - text.size()));
      if (got == 0) break;
      text.append(buffer, 0, got);
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  return text;
}

// The front end: neither the sizes of pieces nor the library may make a difference.
void check_inflating(std::string_view bytes) {
  const bool is_gzip = bytes.starts_with("\x1f\x8b");
  if (!is_gzip && !bytes.starts_with("\x28\xb5\x2f\xfd")) return;
  const auto by_magic = [](PieceStream& pieces) { return decompress(pieces, "blob"); };
  if (inflated(bytes, bytes.size() + 1, kMost, by_magic) != inflated(bytes, 7, 1001, by_magic)) {
    throw std::logic_error("in small pieces something else is inside");
  }
  if (!is_gzip) return;
  const auto by = [&](InflateCode code) {
    return inflated(bytes, bytes.size() + 1, kMost, [code](PieceStream& pieces) {
      return std::make_unique<InflateStream>(pieces, "blob", code);
    });
  };
  const std::optional<std::string> zlib = by(InflateCode::zlib);
  const std::optional<std::string> best = by(best_gzip_code());
  if (zlib && best && *zlib != *best) {
    throw std::logic_error("two libraries find different texts in the same gzip");
  }
}

void check_path(const TarEntry& entry) {
  std::string why;
  const TreePath path = parse_tree_path(entry.name, why);
  if (!why.empty()) return;
  const std::string whole = "/" + path.text + "/";
  for (const char* climbing : {"/../", "/./", "//"}) {
    if (!path.is_root() && whole.find(climbing) != std::string::npos) {
      throw std::logic_error("a path that was taken holds " + std::string(climbing));
    }
  }
}

}  // namespace

void fuzz_tar(std::string_view bytes) {
  check_inflating(bytes);
  testing::TextPieces pieces(std::string(bytes), 1024);
  TarReader reader(pieces, "archive");
  try {
    while (const std::optional<TarEntry> entry = reader.next()) {
      check_path(*entry);
      std::uint64_t got = 0;
      for (std::string_view data = reader.read_data(); !data.empty(); data = reader.read_data()) {
        got += data.size();
        if (reader.data_offset() > entry->size - data.size()) {
          throw std::logic_error("data lies beyond its file's end");
        }
      }
      if (got > entry->size || (!entry->sparse && got != entry->size))
        throw std::logic_error("a member has less data than it says");
    }
    reader.drain();
  } catch (const Error&) {
    return;
  }
}

}  // namespace minidocker::images_unpack

/// libFuzzer's entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  minidocker::images_unpack::fuzz_tar({reinterpret_cast<const char*>(data), size});
  return 0;
}
