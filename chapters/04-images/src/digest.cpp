#include "minidocker/images/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include <openssl/evp.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::images {

namespace {

constexpr std::string_view kAlgorithm = "sha256:";
constexpr std::size_t kHexDigits = 64;

bool is_hex(std::string_view text) {
  return text.size() == kHexDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("digest {}: must be sha256: and {} hex digits in lower case",
                          quoted(text.substr(0, 100)), kHexDigits));
}

}  // namespace

Digest Digest::parse(std::string_view text) {
  if (!text.starts_with(kAlgorithm) || !is_hex(text.substr(kAlgorithm.size()))) refuse(text);
  return Digest(text.substr(kAlgorithm.size()));
}

std::optional<Digest> Digest::find(std::string_view text) {
  if (!text.starts_with(kAlgorithm) || !is_hex(text.substr(kAlgorithm.size()))) return {};
  return Digest(text.substr(kAlgorithm.size()));
}

Digest Digest::from_hex(std::string_view hex) {
  if (!is_hex(hex)) refuse(hex);
  return Digest(hex);
}

Digest Digest::of(std::string_view content) {
  Hasher hasher;
  hasher.update(content.data(), content.size());
  return hasher.finish();
}

struct Hasher::Context {
  Context() : md(EVP_MD_CTX_new()) {
    if (md == nullptr || EVP_DigestInit_ex(md, EVP_sha256(), nullptr) != 1) {
      EVP_MD_CTX_free(md);
      throw Error(ErrorKind::unavailable, "sha256: OpenSSL offers no such digest here");
    }
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(md); }
  EVP_MD_CTX* md;
};

Hasher::Hasher() : context_(std::make_unique<Context>()) {}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(const void* data, std::size_t size) {
  EVP_DigestUpdate(context_->md, data, size);
}

Digest Hasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context_->md, bytes.data(), &size);
  std::string hex;
  hex.reserve(kHexDigits);
  for (unsigned i = 0; i < size; ++i) fmt::format_to(std::back_inserter(hex), "{:02x}", bytes[i]);
  return Digest::from_hex(hex);
}

}  // namespace minidocker::images
