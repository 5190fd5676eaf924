#pragma once
/// \file
/// Who we are for a registry: docker's own file, `~/.docker/config.json`, and its credential
/// helpers, so that whoever has logged in with docker is logged in here.
///
/// | member             | holds                                                               |
/// |--------------------|---------------------------------------------------------------------|
/// | `credHelpers.HOST` | the helper for this host: `docker-credential-NAME get`, asked first |
/// | `credsStore`       | the helper for all other hosts                                      |
/// | `auths.HOST`       | `auth`: base64 of USER:PASSWORD, or `identitytoken`, or neither     |
///
/// HOST is as it stands in references, but for Docker Hub `https://index.docker.io/v1/`.

#include <optional>
#include <string>
#include <string_view>

namespace minidocker::registry {

/// A user and a password; or an identity token, which token servers change for access.
struct Credentials {
  std::string user;                                     ///< empty with an identity token
  std::string password;                                 ///< empty with an identity token
  std::string identity_token;                           ///< OAuth2 refresh token; empty without
  bool operator==(const Credentials&) const = default;  ///< all parts
};

/// What the file says of one host: a helper to ask, else perhaps credentials.
struct StoredCredentials {
  std::string helper;                      ///< `NAME` of `docker-credential-NAME`; may be empty
  std::optional<Credentials> credentials;  ///< only if there is no helper, or as second choice
};

/// The name under which credentials of this domain of references are kept.
[[nodiscard]] std::string credentials_key(std::string_view domain);

/// The host that such a name, or an older one (`https://HOST/v1/`), is for.
[[nodiscard]] std::string host_of_key(std::string_view key);

/// Looks into the text of a config.json. Throws invalid_argument for what is damaged, and for a
/// helper whose name is no plain word.
[[nodiscard]] StoredCredentials find_stored(std::string_view config, std::string_view domain);

/// Asks `docker-credential-NAME get` (found along PATH) for `key`; nothing if it has none. Throws
/// unavailable if it cannot be run, fails, or does not answer within a minute.
[[nodiscard]] std::optional<Credentials> ask_helper(const std::string& helper,
                                                    const std::string& key);

/// From the file `config_file` (which may be missing) and helpers. Throws as both.
[[nodiscard]] std::optional<Credentials> find_credentials(const std::string& config_file,
                                                          std::string_view domain);

/// RFC 4648, with padding.
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace minidocker::registry
