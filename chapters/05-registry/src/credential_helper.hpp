#pragma once
/// \file
/// `docker-credential-NAME`: a program of the user's that keeps passwords, spoken to on its
/// standard input and output (docker-credential-helpers, README, "Development").
///
/// | action  | reads                                    | writes                    |
/// |---------|------------------------------------------|---------------------------|
/// | `get`   | a key                                    | JSON: `Username` `Secret` |
/// | `store` | JSON: `ServerURL` `Username` `Secret`    |                           |
/// | `erase` | a key                                    |                           |

#include <optional>
#include <string>

#include "minidocker/registry/credentials.hpp"

namespace minidocker::registry {

/// Keeps `who` under `key`. Throws unavailable if the helper cannot be run, fails, or does not end
/// within a minute.
void tell_helper(const std::string& helper, const std::string& key, const Credentials& who);

/// Forgets what is kept under `key`; false if that was nothing. Throws as tell_helper.
bool erase_with_helper(const std::string& helper, const std::string& key);

}  // namespace minidocker::registry
