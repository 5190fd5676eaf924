#pragma once
/// \file
/// The steps that belong to no chapter: meeting the parent, handing over a descriptor, finding
/// and becoming the program.

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/signals.hpp"

namespace minidocker {

/// A point where child and parent meet; the numbers mean what the plan's maker wants.
enum class SyncPoint : std::uint16_t {
  id_maps = 1,  ///< the parent writes uid_map and gid_map
  cgroup = 2,   ///< the parent puts the child into its cgroup
  ready = 3,    ///< all is set up; the parent records the container
};

/// Reports `point` and waits until the parent says go on. Ends with EPIPE if the parent is gone,
/// with EPROTO if anything but the go-ahead is read.
struct Sync {
  static constexpr StepInfo kInfo{"00-toolbox", "the parent has to act before the child goes on"};
  SyncPoint point;   ///< which meeting it is
  const char* what;  ///< what the parent does meanwhile, e.g. "write the id maps"
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Sends a copy of the descriptor in `*fd` to the parent (StartedChild::receive_fd).
struct SendFd {
  static constexpr StepInfo kInfo{
      "00-toolbox", "only the child could make it where it belongs, the parent uses it"};
  const int* fd;     ///< slot with the descriptor; stays open in the child
  const char* what;  ///< what it is, e.g. "the terminal's master side"
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Blocks until a byte can be read from a FIFO that was opened for reading and writing: the
/// `start` of an OCI runtime. The path needs no longer be reachable. End of file, which a FIFO
/// opened that way never has, is EPIPE: nobody has said go on.
struct WaitFifo {
  static constexpr StepInfo kInfo{"00-toolbox", "create and start are two commands"};
  int fd;  ///< the open FIFO; closed by execve
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Finds `name` as execvp(3) would, along `path`, as the user the process is by now, and writes
/// what is found into `found` (kMaxPath bytes). A name with a slash is only checked. Fails with
/// ENOENT or EACCES.
struct FindProgram {
  static constexpr StepInfo kInfo{"00-toolbox",
                                  "a missing program is an error of create, not of start"};
  static constexpr std::size_t kMaxPath = 4096;  ///< room in `found`
  const char* name;                              ///< argv[0]
  const char* path;                              ///< PATH of the container; null if it has none
  char* found;                                   ///< slot of kMaxPath bytes
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Makes every descriptor from `first` on close-on-exec: whatever leaked to us stops here.
struct CloseFrom {
  static constexpr StepInfo kInfo{"00-toolbox",
                                  "a leaked descriptor would be a hole in the container's wall"};
  unsigned first;  ///< lowest descriptor that shall not survive execve
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Unblocks all signals and gives the ignored ones their default action: both would be inherited
/// through execve. Callers such as conmon ignore SIGPIPE, nohup(1) SIGHUP.
struct ResetSignals {
  static constexpr StepInfo kInfo{"00-toolbox",
                                  "a blocked or ignored signal would be inherited through execve"};
  SignalSet ignored;  ///< inherited_signals() of the parent: the child is born with the same
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// Has the kernel send `signal` when the parent *thread* ends. Cleared by clone, by a change of the
/// effective ids and by execve of a setuid program: set it after them. EPIPE: the parent had ended
/// before.
struct ParentDeathSignal {
  static constexpr StepInfo kInfo{"00-toolbox", "a program shall not outlive its keeper"};
  int signal;  ///< usually SIGKILL
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

/// execve(2) of what FindProgram found. The last step of a plan.
struct Exec {
  static constexpr StepInfo kInfo{"00-toolbox", "from here on it is the user's program"};
  const char* path;   ///< FindProgram's slot, or a path
  char* const* argv;  ///< null-terminated
  char* const* envp;  ///< null-terminated
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker
