#pragma once
/// \file
/// Spec -> config.json.

#include <string>

#include "minidocker/spec/spec.hpp"

namespace minidocker::spec {

/// How the text is laid out.
enum class Layout {
  compact,  ///< one line, for machines
  pretty,   ///< indented by tabs, for people
};

/// The text of a config.json that parse() reads back to the same value. Keys stand in the
/// specification's order; what is absent is left out. Strings that are not UTF-8 throw
/// Error(invalid_argument), as JSON cannot hold them.
[[nodiscard]] std::string write(const Spec& spec, Layout layout = Layout::compact);

}  // namespace minidocker::spec
