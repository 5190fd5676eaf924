#pragma once
/// \file
/// WWW-Authenticate: how a server says what it wants to see before it answers
/// (RFC 9110 section 11.6.1; registries use Basic and Bearer).

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::registry {

/// One way to authenticate that a server offers.
struct Challenge {
  std::string scheme;                             ///< in lower case: "basic", "bearer"
  std::map<std::string, std::string> parameters;  ///< names in lower case; a token68 is left out

  /// A parameter; empty if it is missing.
  [[nodiscard]] std::string parameter(const std::string& name) const;
};

/// Longest header value that is looked at, in bytes.
inline constexpr std::size_t kMaxChallenge = 8192;

/// Parses the value of one header; it may hold several challenges. Throws invalid_argument for
/// anything that the grammar does not know, and for a value that is too long.
[[nodiscard]] std::vector<Challenge> parse_challenges(std::string_view value);

}  // namespace minidocker::registry
