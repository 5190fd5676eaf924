#pragma once
/// \file
/// The life of one shim.

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend.hpp"
#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/unique_fd.hpp"
#include "served_mount.hpp"
#include "streams.hpp"

namespace minidocker::shim {

/// Makes one container, stands by while it runs, and leaves its exit code behind.
class Shim {
 public:
  /// `engine` is the connection on which `start` came.
  Shim(UniqueFd engine, Start start);

  /// Makes the container and runs it to its end. Every outcome is told to the engine and stands in
  /// exit.json. Throws only if not even that is possible.
  void run();

 private:
  void create_and_start();
  /// Mounts a root that has to be served; the backend finds a directory then.
  void serve_root();
  void report_failure(ErrorKind kind, const std::string& message, int exit_code);
  /// Removes what is left of the container whose first process has ended.
  void remove(ExitRecord& record);
  /// Copies what the ended program has written, for as long as somebody wants to read it.
  void drain();
  /// Waits for news of anybody, at most `timeout_ms` (-1: for ever), and sees to it. Returns
  /// whether there was any.
  bool take_turn(int timeout_ms);
  void tell(const Event& event) noexcept;

  void handle_engine();
  void accept_client();
  void handle_client(UniqueFd& client);
  void handle_signals();
  void obey(const Request& request);
  void send_signal(int number);

  UniqueFd engine_;
  Start start_;
  UniqueFd signals_;
  UniqueFd listener_;
  std::vector<UniqueFd> clients_;
  std::optional<ServedMount> served_;
  std::unique_ptr<Backend> backend_;
  std::optional<Streams> streams_;
  bool has_ended_ = false;  ///< the container's first process; `backend_` has none to signal then
  bool gives_up_ = false;   ///< output that nobody takes at once is lost
};

/// Makes us what a shim has to be: leader of a session of its own (so that a terminal's signals
/// and hang-ups do not reach us), reaper of the container's orphans, last to be chosen when memory
/// is short. Returns a signalfd(2) for SIGCHLD and SIGTERM.
[[nodiscard]] UniqueFd become_shim();
/// Reaps orphans that were handed to us, but not `keep`, for which somebody waits.
void reap_orphans(pid_t keep);
/// Kills and reaps all children we have, and the children that they leave to us, until none is
/// left. Neither a cgroup nor a PID namespace may have held them: an ordinary user has no cgroup,
/// and with --pid host a container has no PID namespace.
void end_orphans();

}  // namespace minidocker::shim
