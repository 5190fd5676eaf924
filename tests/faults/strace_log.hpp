#pragma once
/// \file
/// The lines of `strace -f -X verbose -s 4096 -o FILE`, taken apart.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace minidocker::testing {

/// One finished call.
struct TracedCall {
  pid_t pid = 0;                  ///< as strace saw it
  std::string name;               ///< "mount"
  std::vector<std::string> args;  ///< as strace printed them
  long result = 0;                ///< what it returned, if that is a number
  std::string error;              ///< "ENOENT"; empty if it succeeded
};

/// Cuts at commas that are in no string, bracket or comment.
[[nodiscard]] std::vector<std::string> split_args(std::string_view text);

/// All finished calls of a log, in the order of their ends; `<unfinished ...>` lines are put
/// together with their `<... resumed>` ones. Signals and exits are left out.
[[nodiscard]] std::vector<TracedCall> parse_strace(const std::string& text);

/// A word of strace -X verbose, `0x8 /* CLONE_X|CLONE_Y */`: the names if there are any.
[[nodiscard]] std::string_view names_of(std::string_view word);
/// The same word's number.
[[nodiscard]] std::string_view number_of(std::string_view word);

}  // namespace minidocker::testing
