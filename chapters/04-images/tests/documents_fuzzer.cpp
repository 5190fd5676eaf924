#include "documents_fuzzer.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "minidocker/images/image_config.hpp"
#include "minidocker/images/image_name.hpp"
#include "minidocker/images/manifest.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::images {
namespace {

/// Runs `body`; an Error is an answer too.
template <class Body>
void attempt(Body body) {
  try {
    body();
  } catch (const Error&) {
    return;
  }
}

void expect(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

}  // namespace

void fuzz_document(std::string_view text) {
  attempt([&] {
    const std::string written = to_json(parse_manifest(text, "manifest"));
    expect(to_json(parse_manifest(written, "manifest")) == written, "a manifest reads differently");
  });
  attempt([&] {
    const std::string written = to_json(parse_index(text, "index"));
    expect(to_json(parse_index(written, "index")) == written, "an index reads differently");
  });
  attempt([&] { static_cast<void>(parse_image_config(text, "config")); });
  attempt([&] {
    const ImageName name = ImageName::parse(text);
    expect(ImageName::parse(name.full()) == name, "a name reads differently in full");
  });
}

}  // namespace minidocker::images

/// libFuzzer's entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  minidocker::images::fuzz_document({reinterpret_cast<const char*>(data), size});
  return 0;
}
