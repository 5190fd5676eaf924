#pragma once
/// \file
/// Asking before something is removed for good.

#include <string>

namespace minidocker::cli {

/// Prints `warning` and a question; true for an answer that begins with y on standard input.
[[nodiscard]] bool is_confirmed(const std::string& warning);

}  // namespace minidocker::cli
