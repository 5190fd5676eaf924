#include "minidocker/registry/reference.hpp"

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::registry {

namespace {

// A tag follows the last slash; a port stands before it.
bool has_tag(std::string_view name) {
  const std::size_t colon = name.rfind(':');
  return colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos;
}

images::Digest parse_digest(std::string_view digest, std::string_view whole) {
  if (const auto found = images::Digest::find(digest)) return *found;
  throw Error(ErrorKind::invalid_argument,
              fmt::format("invalid reference format: {}: a digest is sha256: and 64 hex digits",
                          minidocker::quoted(whole.substr(0, 300))));
}

}  // namespace

Reference Reference::parse(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::string_view name = text.substr(0, at);
  Reference reference{images::ImageName::parse(name), std::nullopt};
  if (at == std::string_view::npos) return reference;
  reference.digest = parse_digest(text.substr(at + 1), text);
  if (!has_tag(name)) reference.name.tag.clear();
  return reference;
}

std::string Reference::familiar() const {
  std::string text = name.familiar_repository();
  if (!name.tag.empty()) text += ":" + name.tag;
  if (digest) text += "@" + digest->str();
  return text;
}

images::DigestName digest_name(const Reference& reference, const images::Digest& digest) {
  images::DigestName name{reference.name, digest};
  name.repository.tag.clear();
  return name;
}

}  // namespace minidocker::registry
