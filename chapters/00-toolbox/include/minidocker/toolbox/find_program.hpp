#pragma once
/// \file
/// Where a program of the host lies, as execvp(3) would find it.

#include <optional>
#include <string>

namespace minidocker {

/// The absolute path of the executable file `name`: with a slash in it, itself; else the first
/// along PATH. Relative directories of PATH, the empty one too,
/// are passed over. Nothing if there is none.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name);

}  // namespace minidocker
