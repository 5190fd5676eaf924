#pragma once
/// \file
/// Does a Spec make sense as a whole?

#include <string>
#include <string_view>
#include <vector>

#include "minidocker/spec/spec.hpp"

namespace minidocker::spec {

/// Checks what can be checked without the host: values, their combinations, and that nothing asks
/// for a namespace which the container does not have. Throws Error(invalid_argument) for the first
/// fault, with its place as a JSON pointer: `config.json: /hostname: needs a uts namespace ...`.
/// Returns warnings in the same form: things the specification tells a runtime to take with a
/// warning (an unknown capability, a relative mount destination).
std::vector<std::string> validate(const Spec& spec, std::string_view file = "config.json");

/// The same for linux.resources alone; places begin there: `update.json: /memory/limit: ...`.
void validate(const Resources& resources, std::string_view file);

}  // namespace minidocker::spec
