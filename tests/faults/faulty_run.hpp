#pragma once
/// \file
/// Runs a program and strikes one of its processes at its k-th kernel call: the same as
/// `strace -e inject=SET:error=E:when=K` or `:signal=KILL:when=K`, with two differences that the
/// sweeps need. strace counts every process for itself but cannot strike the child alone, as long
/// as its parent has a k-th call too; and it decodes each call, which takes ten times as long.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace minidocker::testing {

/// Which process is struck.
enum class Side {
  parent,  ///< the program itself, from its execve on
  child    ///< the first process it makes, until that one's execve
};

/// What shall happen, and when.
struct Strike {
  Side side = Side::parent;           ///< to whom
  int when = 1;                       ///< at its when-th call that is `counted`
  int error = 0;                      ///< the call fails with this errno; 0: SIGKILL instead
  std::function<bool(long)> counted;  ///< which call numbers (SYS_x) count; all if not set
  std::string from{};  ///< counting begins with the first call on a path that ends so
};

/// What happened.
struct FaultyRun {
  bool fired = false;  ///< the side had that many calls
  long call = -1;      ///< number of the call struck
  std::string detail;  ///< its path, if one of its first two arguments is one; for messages
  int exit_code = -1;  ///< the program's; -1 if a signal ended it
  int signal = 0;      ///< that ended it
  std::string err;     ///< its standard error
};

/// Runs `argv` (an absolute path first) and strikes. Standard input and output are /dev/null;
/// errors go to the file `err_path`. Throws std::runtime_error if it cannot be traced. x86-64.
[[nodiscard]] FaultyRun run_struck(const std::vector<std::string>& argv, const Strike& strike,
                                   const std::string& err_path);

}  // namespace minidocker::testing
