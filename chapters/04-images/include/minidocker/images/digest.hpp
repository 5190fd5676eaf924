#pragma once
/// \file
/// Digests: content is named by its SHA-256 (OCI image-spec descriptor.md#digests).

#include <compare>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace minidocker::images {

/// `sha256:` and 64 hex digits in lower case. The only algorithm that images in the wild use;
/// others are refused by name.
class Digest {
 public:
  /// Parses `sha256:HEX`. Throws invalid_argument that shows the text and says what is wrong.
  static Digest parse(std::string_view text);
  /// Like parse; nothing for anything that is no digest.
  static std::optional<Digest> find(std::string_view text);
  /// From 64 hex digits in lower case. Throws invalid_argument.
  static Digest from_hex(std::string_view hex);
  /// Of a text in memory.
  static Digest of(std::string_view content);

  [[nodiscard]] const std::string& hex() const noexcept { return hex_; }     ///< 64 digits
  [[nodiscard]] std::string str() const { return "sha256:" + hex_; }         ///< whole form
  [[nodiscard]] std::string short_id() const { return hex_.substr(0, 12); }  ///< for people
  auto operator<=>(const Digest&) const = default;                           ///< by digits

 private:
  explicit Digest(std::string_view hex) : hex_(hex) {}
  std::string hex_;
};

/// Computes a SHA-256 piece by piece (OpenSSL EVP: SHA-NI where the CPU has it).
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();
  /// Adds `size` bytes.
  void update(const void* data, std::size_t size);
  /// Of all that was added; the hasher is used up.
  [[nodiscard]] Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace minidocker::images
