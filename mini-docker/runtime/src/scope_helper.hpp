#pragma once
/// \file
/// Where the program is that asks systemd.

#include <string>

namespace minidocker::runtime {

/// Where mini-scope lies: beside our own program or in ../libexec/mini-docker; else, if we were
/// executed from a mount that has no name, where MINI_SCOPE says. Sets that for our next self.
[[nodiscard]] std::string find_scope_helper();

}  // namespace minidocker::runtime
