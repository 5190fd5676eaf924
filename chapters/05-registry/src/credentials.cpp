#include "minidocker/registry/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "minidocker/images/json_text.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"

namespace minidocker::registry {

namespace {

using nlohmann::json;
constexpr std::string_view kWhat = "docker's config.json";
constexpr std::string_view kHubKey = "https://index.docker.io/v1/";
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", kWhat, why));
}

// Never shows the text: it is a password.
std::string decode_base64(std::string_view text, std::string_view host) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  unsigned bits = 0;
  unsigned pending = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) {
      refuse(fmt::format("member \"auth\" of {} is no base64", minidocker::quoted(host)));
    }
    bits = (bits << 6U) | static_cast<unsigned>(value);
    pending += 6;
    if (pending >= 8) {
      pending -= 8;
      bytes.push_back(static_cast<char>((bits >> pending) & 0xffU));
    }
  }
  return bytes;
}

std::optional<Credentials> credentials_of(const json& entry, const std::string& host) {
  const std::string identity = images::string_member(entry, "identitytoken", kWhat);
  if (!identity.empty()) return Credentials{"", "", identity};
  const std::string auth = images::string_member(entry, "auth", kWhat);
  if (auth.empty()) return std::nullopt;
  const std::string pair = decode_base64(auth, host);
  const std::size_t colon = pair.find(':');
  if (colon == std::string::npos) {
    refuse(fmt::format("member \"auth\" of {} holds no USER:PASSWORD", minidocker::quoted(host)));
  }
  return Credentials{pair.substr(0, colon), pair.substr(colon + 1), ""};
}

const json* find_entry(const json& auths, const std::string& key) {
  if (const json* exact = images::find_member(auths, key.c_str())) return exact;
  for (const auto& [name, entry] : auths.items()) {
    if (host_of_key(name) == host_of_key(key)) return &entry;
  }
  return nullptr;
}

void check_helper(const std::string& helper) {
  const bool good = !helper.empty() && std::ranges::all_of(helper, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (!good)
    refuse(fmt::format("{} is no name of a credential helper", minidocker::quoted(helper)));
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view three = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = (bits << 8U) | (k < three.size() ? static_cast<unsigned char>(three[k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text.push_back(k <= three.size() ? kAlphabet[(bits >> (18 - 6 * k)) & 0x3fU] : '=');
    }
  }
  return text;
}

std::string host_of_key(std::string_view key) {
  const std::size_t scheme = key.find("://");
  if (scheme != std::string_view::npos) key.remove_prefix(scheme + 3);
  return std::string(key.substr(0, key.find('/')));
}

std::string credentials_key(std::string_view domain) {
  return std::string(domain == "docker.io" ? kHubKey : domain);
}

StoredCredentials find_stored(std::string_view config, std::string_view domain) {
  const json document = images::parse_document(config, kWhat);
  const std::string key = credentials_key(domain);
  StoredCredentials found;
  found.helper = images::string_member(document, "credsStore", kWhat);
  if (const json* helpers = images::find_member(document, "credHelpers")) {
    for (const std::string& name : {key, std::string(domain)}) {
      const std::string helper = images::string_member(*helpers, name.c_str(), kWhat);
      if (!helper.empty()) found.helper = helper;
    }
  }
  if (!found.helper.empty()) check_helper(found.helper);
  if (const json* auths = images::find_member(document, "auths")) {
    const json* entry = find_entry(*auths, key);
    if (entry != nullptr) found.credentials = credentials_of(*entry, key);
  }
  return found;
}

std::optional<Credentials> find_credentials(const std::string& config_file,
                                            std::string_view domain) {
  const std::optional<std::string> text = find_file(config_file);
  if (!text) return std::nullopt;
  const StoredCredentials stored = find_stored(*text, domain);
  if (!stored.helper.empty()) {
    std::optional<Credentials> asked = ask_helper(stored.helper, credentials_key(domain));
    if (asked) return asked;
  }
  return stored.credentials;
}

}  // namespace minidocker::registry
