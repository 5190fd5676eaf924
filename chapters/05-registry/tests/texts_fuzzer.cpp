#include "texts_fuzzer.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "minidocker/registry/answers.hpp"
#include "minidocker/registry/challenge.hpp"
#include "minidocker/registry/credentials.hpp"
#include "minidocker/registry/docker_config.hpp"
#include "minidocker/registry/reference.hpp"
#include "minidocker/registry/url.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::registry {
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

void fuzz_text(std::string_view text) {
  attempt([&] {
    const Reference reference = Reference::parse(text);
    expect(Reference::parse(reference.familiar()) == reference, "a reference reads differently");
  });
  attempt([&] { static_cast<void>(parse_challenges(text)); });
  attempt([&] {
    const Url url = Url::parse(text);
    expect(Url::parse(url.str()) == url, "a URL reads differently");
    static_cast<void>(url.is_loopback());
  });
  attempt([&] {
    const Url base = Url::parse("https://h/a/b");
    expect(Url::parse(base.resolve(text).str()) == base.resolve(text), "a location differs");
  });
  attempt([&] { static_cast<void>(find_stored(text, "docker.io")); });
  attempt([&] {
    const Credentials who{"u", "p", ""};
    const std::string kept = with_credentials(text, "h", who);
    expect(find_stored(kept, "h").credentials == who, "what was kept is not found");
    const std::string without = without_credentials(kept, "h");
    expect(!find_stored(without, "h").credentials, "what was forgotten is still there");
  });
  static_cast<void>(errors_of(text));
  static_cast<void>(parse_content_range(text));
  static_cast<void>(next_page(text));
}

}  // namespace minidocker::registry

/// libFuzzer's entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  minidocker::registry::fuzz_text({reinterpret_cast<const char*>(data), size});
  return 0;
}
