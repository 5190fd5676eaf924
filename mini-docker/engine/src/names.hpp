#pragma once
/// \file
/// Ids and names of containers: docker's rules, and names made up where none is given.

#include <string>
#include <string_view>

namespace minidocker::engine {

/// 64 random hex digits, of which the first 12 never are a number alone: a short id is used as a
/// hostname, and some programs take one of digits only for an address.
[[nodiscard]] std::string make_id();
/// The first 12 digits.
[[nodiscard]] std::string short_id(std::string_view id);
/// A made-up name, `adjective_surname` of somebody in the field; `attempt` above 0 adds a digit.
[[nodiscard]] std::string make_name(int attempt);
/// Throws Error(invalid_argument) in docker's words unless it is [a-zA-Z0-9][a-zA-Z0-9_.-]+ .
void check_name(std::string_view name);

}  // namespace minidocker::engine
