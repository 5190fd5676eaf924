#pragma once
/// \file
/// The two edges of every program: what its main does first, and how it says that it failed.

#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/signals.hpp"

namespace minidocker {

/// Undoes what a careless caller may have left us with, as execve(2) hands all of it on. The first
/// call of every main, made while there is one thread. Throws SystemError.
///
/// | found                      | what would go wrong                                             |
/// |----------------------------|-----------------------------------------------------------------|
/// | one of 0, 1, 2 is closed   | the next descriptor opened takes the number, a socket perhaps,  |
/// |                            | and error messages are written into it: /dev/null takes it      |
/// | SIGCHLD is ignored         | the kernel reaps our children by itself, and waitid(2) answers  |
/// |                            | ECHILD instead of the exit code: the default is set             |
/// | signals are blocked        | we and our children never hear of them: none is                 |
///
/// Returns the signals that are ignored still, as nohup(1) wants it of us: they are not for the
/// programs that we run, see ResetSignals.
SignalSet prepare_process();

/// The program that a command line like `PROGRAM [OPTION...] [--] COMMAND...` is to run: `words`
/// are what follows its own options. Throws Error(invalid_argument) if nothing does, or if a word
/// that looks like an option, a slip of the pen, does without `--` before it. `program` is ours.
[[nodiscard]] std::vector<std::string> take_command(std::string_view program,
                                                    std::vector<std::string> words);

/// Writes `program: message` as one line to standard error and returns `code`, for
/// `return complain("nsrun", error.what(), 125);` in a catch block of main. An error that cannot be
/// told, on a full disk for instance, is not worth dying of another one: the exit code still tells.
int complain(std::string_view program, std::string_view message, int code) noexcept;

}  // namespace minidocker
