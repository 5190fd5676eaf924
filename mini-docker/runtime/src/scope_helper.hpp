#pragma once
/// \file
/// Where the program is that asks systemd.

#include <string>

namespace minidocker::runtime {

/// Tells a mini-runc that is executed from a mount without a name, and so lies beside nothing.
inline constexpr const char* kScopeVariable = "MINI_SCOPE";

/// Where mini-scope lies: beside our own program or in ../libexec/mini-docker, else where
/// kScopeVariable says.
[[nodiscard]] std::string find_scope_helper();

}  // namespace minidocker::runtime
