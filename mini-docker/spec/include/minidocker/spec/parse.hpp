#pragma once
/// \file
/// config.json -> Spec, and its linux.resources alone.

#include <string_view>

#include "minidocker/spec/spec.hpp"

namespace minidocker::spec {

/// Parses the text of a config.json. Types and ranges are checked, combinations are not: see
/// validate(). Keys unknown to the specification are ignored, as it demands; what it defines and
/// we do not support yet is refused by name if it asks for anything.
///
/// `file` stands at the head of every message. Throws Error(invalid_argument), e.g.
/// `config.json: /linux/resources/memory/limit: expected an integer, found a string "x"`, with the
/// place as a JSON pointer (RFC 6901).
[[nodiscard]] Spec parse(std::string_view json, std::string_view file = "config.json");

/// Parses an object like linux.resources alone, as `update --resources` takes it; otherwise as
/// parse().
[[nodiscard]] Resources parse_resources(std::string_view json, std::string_view file);

}  // namespace minidocker::spec
