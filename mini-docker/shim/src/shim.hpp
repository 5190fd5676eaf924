#pragma once
/// \file
/// The life of one shim.

#include <sys/types.h>

#include <memory>
#include <optional>
#include <vector>

#include "backend.hpp"
#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/unique_fd.hpp"
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
  void report_failure(ErrorKind kind, const std::string& message, int exit_code);
  /// Until the container's first process has ended; its code.
  int stand_by();
  void tell(const Event& event) noexcept;

  void handle_engine();
  void accept_client();
  void handle_client(UniqueFd& client);
  void handle_signals();
  void obey(const Request& request);

  UniqueFd engine_;
  Start start_;
  UniqueFd signals_;
  UniqueFd listener_;
  std::vector<UniqueFd> clients_;
  std::unique_ptr<Backend> backend_;
  std::optional<Streams> streams_;
};

/// Makes us what a shim has to be: leader of a session of its own (so that a terminal's signals
/// and hang-ups do not reach us), reaper of the container's orphans, last to be chosen when memory
/// is short. Returns a signalfd(2) for SIGCHLD and SIGTERM.
[[nodiscard]] UniqueFd become_shim();
/// Reaps orphans that were handed to us, but not `keep`, for which somebody waits.
void reap_orphans(pid_t keep);

}  // namespace minidocker::shim
