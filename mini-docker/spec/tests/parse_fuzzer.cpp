#include "parse_fuzzer.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "minidocker/spec/parse.hpp"
#include "minidocker/spec/validate.hpp"
#include "minidocker/spec/write.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {

void fuzz_parse(std::string_view text) {
  Spec spec;
  try {
    spec = parse(text);
  } catch (const Error&) {
    return;
  }
  if (parse(write(spec)) != spec) throw std::logic_error("written and read back it differs");
  try {
    (void)validate(spec);
  } catch (const Error&) {
    return;
  }
}

}  // namespace minidocker::spec

/// libFuzzer's entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  minidocker::spec::fuzz_parse({reinterpret_cast<const char*>(data), size});
  return 0;
}
