#include "minidocker/registry/url.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ascii.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/numbers.hpp"

namespace minidocker::registry {

namespace {

constexpr std::size_t kMaxUrl = 16 * 1024;

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw Error(ErrorKind::invalid_argument,
              fmt::format("URL {}: {}", minidocker::quoted(text.substr(0, 200)), why));
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").find(c) != std::string_view::npos;
}

// `h`, `h:443` and `h:` on https are one place.
std::string with_port(const Url& url) {
  const std::size_t colon = url.authority.rfind(':');
  const bool has_port =
      colon != std::string::npos && url.authority.find(']', colon) == std::string::npos;
  const std::string host = has_port ? url.authority.substr(0, colon) : url.authority;
  std::string port = has_port ? url.authority.substr(colon + 1) : "";
  if (port.empty()) port = url.scheme == "https" ? "443" : "80";
  return host + ":" + port;
}

void check_authority(std::string_view authority, std::string_view whole) {
  if (authority.empty()) refuse(whole, "it has no host");
  if (authority.find('@') != std::string_view::npos) {
    refuse(whole, "a user or password in a URL is not accepted");
  }
  constexpr std::string_view kHost = "0123456789abcdefghijklmnopqrstuvwxyz-._:[]";
  if (lower(authority).find_first_not_of(kHost) != std::string::npos) {
    refuse(whole, "its host is none");
  }
}

}  // namespace

Url Url::parse(std::string_view text) {
  if (text.size() > kMaxUrl) refuse(text, "it is too long");
  const auto is_odd = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::ranges::any_of(text, is_odd)) refuse(text, "it holds blanks or control characters");
  const std::size_t colon = text.find("://");
  Url url{colon == std::string_view::npos ? "" : lower(text.substr(0, colon)), "", ""};
  if (url.scheme != "http" && url.scheme != "https") refuse(text, "it is neither http nor https");
  const std::string_view rest = text.substr(colon + 3, text.find('#') - (colon + 3));
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  check_authority(rest.substr(0, end), text);
  url.authority = lower(rest.substr(0, end));
  url.target = rest.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

Url Url::resolve(std::string_view location) const {
  if (location.find("://") < location.find_first_of("/?#")) return parse(location);
  const std::string origin = scheme + "://" + authority;
  if (location.starts_with("//")) return parse(scheme + ":" + std::string(location));
  if (location.starts_with('/')) return parse(origin + std::string(location));
  const std::string path = target.substr(0, target.find('?'));
  if (location.starts_with('?')) return parse(origin + path + std::string(location));
  return parse(origin + path.substr(0, path.rfind('/') + 1) + std::string(location));
}

std::string Url::for_people() const {
  return scheme + "://" + authority + target.substr(0, target.find('?'));
}

bool Url::same_origin(const Url& other) const {
  return scheme == other.scheme && with_port(*this) == with_port(other);
}

bool Url::is_loopback() const {
  const std::string place = with_port(*this);
  const std::string_view host = std::string_view(place).substr(0, place.rfind(':'));
  if (host == "localhost" || host == "[::1]") return true;
  // 127.0.0.0/8 in its usual form only: a name such as 127.example is somebody else's.
  int parts = 0;
  for (std::size_t at = 0; at <= host.size(); ++parts) {
    const std::size_t end = std::min(host.find('.', at), host.size());
    const auto number = parse_number<unsigned>(host.substr(at, end - at));
    if (!number || *number > 255 || (parts == 0 && *number != 127)) return false;
    at = end + 1;
  }
  return parts == 4;
}

std::string Url::escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (is_plain(c)) {
      escaped.push_back(c);
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

Url Url::with_query(std::string_view name, std::string_view value) const {
  Url url = *this;
  url.target += url.target.find('?') == std::string::npos ? '?' : '&';
  url.target += fmt::format("{}={}", name, escape(value));
  return url;
}

}  // namespace minidocker::registry
