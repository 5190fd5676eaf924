#include "minidocker/images/image_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "minidocker/toolbox/error.hpp"

namespace minidocker::images {

namespace {

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kOfficial = "library/";
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxTag = 128;

bool is_lower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("invalid reference format: {}: {}", quoted(text.substr(0, 300)), why));
}

// Lower case words joined by ".", "_", "__" or any number of "-".
bool is_component(std::string_view text) {
  if (text.empty() || !is_lower(text.front()) || !is_lower(text.back())) return false;
  for (std::size_t i = 0; i < text.size();) {
    if (is_lower(text[i])) {
      ++i;
      continue;
    }
    const std::size_t end =
        std::min(text.find_first_of("abcdefghijklmnopqrstuvwxyz0123456789", i), text.size());
    const std::string_view joint = text.substr(i, end - i);
    const bool dashes = joint.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && joint != "." && joint != "_" && joint != "__") return false;
    i = end;
  }
  return true;
}

// One word of a host name: letters, digits and, inside, dashes.
bool is_label(std::string_view label) {
  const auto is_edge = [](char c) { return is_word(c) && c != '_'; };
  return !label.empty() && is_edge(label.front()) && is_edge(label.back()) &&
         std::ranges::all_of(label, [&](char c) { return is_edge(c) || c == '-'; });
}

bool is_host(std::string_view host) {
  for (std::size_t at = 0; at <= host.size();) {
    const std::size_t end = std::min(host.find('.', at), host.size());
    if (!is_label(host.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

// A host name or an address with an optional port; brackets hold an IPv6 address.
bool is_domain(std::string_view domain) {
  constexpr std::string_view kAddress = "0123456789abcdefABCDEF:";
  const bool bracketed = domain.front() == '[';
  const std::size_t end =
      bracketed ? domain.find(']') + 1 : std::min(domain.find(':'), domain.size());
  if (end == 0) return false;
  const std::string_view host = domain.substr(0, end);
  const std::string_view port = domain.substr(end);
  const bool good_host =
      bracketed ? host.size() > 2 && host.substr(1, host.size() - 2).find_first_not_of(kAddress) ==
                                         std::string_view::npos
                : is_host(host);
  return good_host &&
         (port.empty() || (port.size() > 1 && port.front() == ':' &&
                           port.find_first_not_of("0123456789", 1) == std::string_view::npos));
}

// "localhost/x", "host.name/x" and "host:5000/x" begin with a domain; "me/x" does not.
bool begins_with_domain(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != std::string_view::npos ||
         std::ranges::any_of(first, [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTag && is_word(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_repository_path(std::string_view text) {
  try {
    return ImageName::parse(fmt::format("localhost/{}", text)).path == text;
  } catch (const Error&) {
    return false;
  }
}

ImageName ImageName::parse(std::string_view text) {
  std::string_view rest = text;
  ImageName name{std::string(kDefaultDomain), {}, "latest"};
  if (rest.find('@') != std::string_view::npos) refuse(text, "names by digest are not stored");
  if (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos) {
    refuse(text, "64 hexadecimal digits are the id of an image, not a name");
  }

  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos && begins_with_domain(rest.substr(0, slash))) {
    name.domain = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
    if (!is_domain(name.domain)) refuse(text, "the part before the first slash is no host");
  }
  if (name.domain == "index.docker.io") name.domain = kDefaultDomain;

  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos) {
    name.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!is_tag(name.tag)) refuse(text, "a tag has up to 128 letters, digits, '_', '.', '-'");
  }
  if (rest.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string_view::npos) {
    refuse(text, "repository name must be lowercase");
  }
  for (std::size_t at = 0; at <= rest.size();) {
    const std::size_t end = std::min(rest.find('/', at), rest.size());
    if (!is_component(rest.substr(at, end - at))) {
      refuse(text, "parts are lower case words joined by '.', '_' or '-'");
    }
    at = end + 1;
  }
  name.path = rest;
  if (name.domain == kDefaultDomain && name.path.find('/') == std::string::npos) {
    name.path.insert(0, kOfficial);
  }
  if (name.domain.size() + name.path.size() > kMaxName) refuse(text, "longer than 255 characters");
  return name;
}

std::string ImageName::full() const { return fmt::format("{}/{}:{}", domain, path, tag); }

std::string ImageName::familiar_repository() const {
  if (domain != kDefaultDomain) return domain + "/" + path;
  const bool official =
      path.starts_with(kOfficial) && path.find('/', kOfficial.size()) == std::string::npos;
  return official ? path.substr(kOfficial.size()) : path;
}

std::string ImageName::familiar() const { return familiar_repository() + ":" + tag; }

DigestName DigestName::parse(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::optional<Digest> digest =
      at == std::string_view::npos ? std::nullopt : Digest::find(text.substr(at + 1));
  if (!digest) refuse(text, "after '@' stands a digest: sha256: and 64 hex digits");
  DigestName name{ImageName::parse(text.substr(0, at)), *digest};
  name.repository.tag.clear();
  return name;
}

std::string DigestName::full() const {
  return fmt::format("{}/{}@{}", repository.domain, repository.path, digest.str());
}

std::string DigestName::familiar() const {
  return repository.familiar_repository() + "@" + digest.str();
}

}  // namespace minidocker::images
