#include "message_fuzzer.hpp"

#include "body_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "minidocker/http/byte_range.hpp"
#include "minidocker/http/errors.hpp"
#include "request_head.hpp"

namespace minidocker::http {
namespace {

class Keep final : public BodyReceiver {
 public:
  void take(std::string_view piece) override { body += piece; }
  Response finish() override { return {}; }
  std::string body;
};

/// A request as far as it came: its body, and how many of the bytes it took.
struct Parsed {
  int refused = 0;
  std::string target;
  std::string body;
  std::size_t used = 0;
  bool is_done = false;
  bool operator==(const Parsed&) const = default;
};

// The body's bytes come in pieces of `piece`; what is not used is handed in again with more.
Parsed parse(std::string_view bytes, std::size_t piece) {
  Parsed parsed;
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return parsed;
  Keep keep;
  try {
    const RequestHead head = parse_head(bytes.substr(0, end + 4));
    BodyReader body(head);
    parsed.target = head.request.target;
    parsed.used = end + 4;
    for (std::size_t there = parsed.used; !body.is_done() && there < bytes.size();) {
      there = std::min(there + piece, bytes.size());
      parsed.used += body.read(bytes.substr(parsed.used, there - parsed.used), keep);
    }
    parsed.is_done = body.is_done();
  } catch (const StatusError& error) {
    return {error.status(), "", "", 0, false};
  }
  parsed.body = keep.body;
  return parsed;
}

void expect(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

}  // namespace

void fuzz_message(std::string_view bytes) {
  const Parsed whole = parse(bytes, bytes.size() + 1);
  expect(whole == parse(bytes, 1), "a request reads differently in pieces");
  expect(whole.body.size() <= bytes.size(), "a body is larger than what came");
  constexpr std::uint64_t kSize = 1000;
  if (const auto range = parse_range(bytes, kSize); range && range->size > 0) {
    expect(range->first < kSize && range->size <= kSize - range->first, "a range is out of bounds");
  }
}

}  // namespace minidocker::http

/// libFuzzer's entry.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  minidocker::http::fuzz_message({reinterpret_cast<const char*>(data), size});
  return 0;
}
