#include "tar_fuzzer.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "minidocker/images_unpack/tar_reader.hpp"
#include "minidocker/toolbox/error.hpp"
#include "streams.hpp"
#include "tree_path.hpp"

namespace minidocker::images_unpack {
namespace {

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
