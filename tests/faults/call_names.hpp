#pragma once
/// \file
/// Names of kernel calls, for messages and tables.

#include <string>

namespace minidocker::testing {

/// "mount" for SYS_mount; "call 4711" for one that the runtime is not known to make.
[[nodiscard]] std::string call_name(long number);

/// Calls of the C library's own (memory, start-up, locks): nothing the runtime decides.
[[nodiscard]] bool is_of_the_library(long number);

}  // namespace minidocker::testing
