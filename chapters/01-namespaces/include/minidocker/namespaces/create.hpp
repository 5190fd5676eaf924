#pragma once
/// \file
/// Making namespaces. Most are made by the clone3(2) that makes the process; these steps are for
/// those that cannot be. Who is where after a call (each checked by a test):
///
/// | call                    | the caller                                     | its next child |
/// |-------------------------|------------------------------------------------|----------------|
/// | unshare(CLONE_NEWPID)   | stays where it is, for good                    | is PID 1 of it |
/// | setns(.., CLONE_NEWPID) | stays where it is, for good                    | is in it       |
/// | unshare(CLONE_NEWTIME)  | is in it from its next execve on (Linux 6.2)   | is in it       |
/// | setns(.., CLONE_NEWTIME)| is in it at once                               | is in it       |
/// | either, of other kinds  | is in it at once                               | is in it       |

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::namespaces {

/// Moves the process itself into new namespaces (for PID and time: see above).
struct UnshareNamespaces {
  static constexpr StepInfo kInfo{"01-namespaces",
                                  "this namespace must be made later than the process"};
  std::uint64_t flags;  ///< CLONE_NEW* of the kinds to make
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Clones a sibling that goes on with the plan, sends its pidfd to the parent, and lets the process
/// that ran the plan so far (the stage) exit with 0. The sibling is a child of the stage's parent
/// (CLONE_PARENT) and is in the PID and time namespaces that the stage has joined or unshared.
///
/// The sibling opens and sends its pidfd itself: so the messages on the socket have one writer and
/// one order. The parent: `receive_fd()`, `replace_process(adopt_sibling(fd))`.
struct CloneSibling {
  static constexpr StepInfo kInfo{
      "01-namespaces",
      "a PID namespace, and a time namespace just made, is entered by the next child only"};
  std::uint64_t flags;  ///< CLONE_NEW* that the sibling gets new at once; may be 0
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// The pid, in our PID namespace, of the process that a pidfd refers to. Throws
/// Error(invalid_argument) if `fd` is no pidfd, Error(not_found) if the process has ended and was
/// reaped or lives outside of our PID namespace.
[[nodiscard]] pid_t pid_of_pidfd(int fd);

/// The same from the text of /proc/self/fdinfo/N: -1 if it has ended, 0 if it is not in the PID
/// namespace of that proc. Throws Error(invalid_argument) if there is no Pid line.
[[nodiscard]] pid_t parse_pidfd_info(std::string_view fdinfo);

}  // namespace minidocker::namespaces
