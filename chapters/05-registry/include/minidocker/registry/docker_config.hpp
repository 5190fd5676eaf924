#pragma once
/// \file
/// What login and logout do to docker's file (credentials.hpp): all of it that is not about one
/// host stays, whoever understands it.

#include <optional>
#include <string>
#include <string_view>

#include "minidocker/registry/credentials.hpp"

namespace minidocker::registry {

/// The text of a config.json (empty: a new one) in which `key` has these credentials, or, for
/// credentials that a helper keeps, only its name. Throws invalid_argument if it is damaged.
[[nodiscard]] std::string with_credentials(std::string_view config, const std::string& key,
                                           const std::optional<Credentials>& who);
/// The same without `key`, and without older spellings of its host. Throws as with_credentials.
[[nodiscard]] std::string without_credentials(std::string_view config, const std::string& key);

/// Keeps `who` for a domain of references: with the helper that `config_file` names for it, else in
/// the file, in the clear. The file is replaced as a whole, readable by its owner only; if it is a
/// link, what it leads to. Returns the helper's name; empty if it was the file. Throws as
/// tell_helper, invalid_argument for a damaged file, SystemError.
std::string remember_credentials(const std::string& config_file, std::string_view domain,
                                 const Credentials& who);
/// The reverse; false if there was nothing. Throws likewise.
bool forget_credentials(const std::string& config_file, std::string_view domain);

}  // namespace minidocker::registry
