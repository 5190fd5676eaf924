#pragma once
/// \file
/// Owned processes: a pid together with the pidfd that keeps it from meaning somebody else.

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker {

/// How a process ended.
struct ExitStatus {
  int code = 0;    ///< exit code, if it exited
  int signal = 0;  ///< signal number, if one killed it

  /// What waitid(2) tells of a process that has ended.
  [[nodiscard]] static ExitStatus of(const siginfo_t& info) noexcept {
    if (info.si_code == CLD_EXITED) return {info.si_status, 0};
    return {0, info.si_status};
  }
  /// As shells and docker tell it: the code, or 128 + signal.
  [[nodiscard]] int shell_code() const noexcept { return signal != 0 ? 128 + signal : code; }
  bool operator==(const ExitStatus&) const = default;  ///< same end
};

/// Owns a child: kills and reaps it unless it was waited for or released. Does nothing in a
/// process other than the one that made it.
class Process {
 public:
  Process() noexcept = default;
  /// Takes over a child of ours, e.g. from sys::clone3.
  Process(pid_t pid, UniqueFd pidfd) noexcept;
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  /// Starts `argv` by posix_spawn(3): argv[0] is a path or a name for PATH; `fds` lists pairs
  /// (ours, theirs) that the program gets; 0, 1 and 2 are inherited unless named. `env` null:
  /// ours. Signal mask and dispositions are reset. Throws SystemError.
  static Process spawn(const std::vector<std::string>& argv,
                       std::span<const std::pair<int, int>> fds = {},
                       const std::vector<std::string>* env = nullptr);

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }          ///< -1 if it owns none
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }  ///< borrowed; poll(2)able
  explicit operator bool() const noexcept { return pid_ > 0; }       ///< does it own one?

  /// Waits for the end and reaps. Throws SystemError.
  ExitStatus wait();
  /// Reaps if it has ended already. Throws SystemError.
  std::optional<ExitStatus> try_wait();
  /// Waits at most `limit`; nothing if it still runs then. Throws SystemError.
  std::optional<ExitStatus> wait_for(std::chrono::milliseconds limit);
  /// Sends `signal`. A process that has ended is no error. Throws SystemError.
  void send(int signal) const;
  /// Gives up ownership: nobody kills or reaps it from here.
  std::pair<pid_t, UniqueFd> release() noexcept;

 private:
  void destroy() noexcept;
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  pid_t maker_ = -1;
};

}  // namespace minidocker
