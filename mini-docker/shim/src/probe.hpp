#pragma once
/// \file
/// `mini-shim probe`: tries a storage driver as a container would use it.

#include <optional>
#include <string>

namespace minidocker::shim {

/// Why `driver` cannot work in the empty directory `dir`; nothing if it can. Enters a mount
/// namespace of its own, as an ordinary user in a user namespace of his own: a process can ask
/// once. Throws Error(invalid_argument) for an unknown driver.
[[nodiscard]] std::optional<std::string> probe(const std::string& driver, const std::string& dir);

}  // namespace minidocker::shim
