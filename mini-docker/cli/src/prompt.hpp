#pragma once
/// \file
/// Questions that somebody answers at a terminal.

#include <string>

namespace minidocker::cli {

/// Prints `prompt` to standard output and reads a line of standard input. Throws Error if there is
/// none.
[[nodiscard]] std::string ask(const std::string& prompt);

/// The same for what nobody shall see being typed. The terminal is as it was afterwards, also if
/// the answer is ctrl-C, which throws Error.
[[nodiscard]] std::string ask_secretly(const std::string& prompt);

}  // namespace minidocker::cli
