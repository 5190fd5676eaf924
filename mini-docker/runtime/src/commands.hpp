#pragma once
/// \file
/// mini-runc's commands, once the command line is understood.

#include <optional>
#include <string>

#include "log.hpp"
#include "minidocker/toolbox/signals.hpp"
#include "minidocker/toolbox/trace_sinks.hpp"

namespace minidocker::runtime {

/// Options before the command.
struct GlobalOptions {
  std::string root;                        ///< directory of all states
  std::string log;                         ///< file for errors; empty: standard error
  LogFormat log_format = LogFormat::text;  ///< of errors
  bool debug = false;                      ///< tell warnings, too
  bool systemd_cgroup = false;             ///< have systemd make the groups
  std::optional<trace::Format> explain;    ///< narrate?
  SignalSet ignored_signals = 0;           ///< what our caller had us ignore
  char* const* argv = nullptr;             ///< as main got it, for executing ourselves anew
};

/// Options of create, run and plan.
struct MakeOptions {
  std::string id;               ///< the container's
  std::string bundle = ".";     ///< directory with config.json
  std::string console_socket;   ///< who gets the terminal; empty: ourselves
  std::string pidfd_socket;     ///< who gets the first process's pidfd; empty: nobody
  std::string pid_file;         ///< where to write the pid; empty: nowhere
  bool detach = false;          ///< run: do not stand by
  bool keep = false;            ///< run: do not delete afterwards
  bool no_pivot = false;        ///< move and chroot instead of pivot_root
  bool no_new_keyring = false;  ///< keep the caller's session keyring
  unsigned preserve_fds = 0;    ///< descriptors 3 .. 2+N stay open

  /// Does nobody wait for something of the container before its program runs?
  [[nodiscard]] bool hands_out_nothing() const {
    return console_socket.empty() && pidfd_socket.empty() && pid_file.empty();
  }
};

/// The default of --root: /run/mini-runc, or $XDG_RUNTIME_DIR/mini-runc for an ordinary user.
/// Throws Error(invalid_argument) if that cannot be told.
[[nodiscard]] std::string default_root();

/// \name The commands; each returns the exit code
///@{
int create_command(const GlobalOptions& global, const MakeOptions& make);
int run_command(const GlobalOptions& global, const MakeOptions& make);
int plan_command(const GlobalOptions& global, const MakeOptions& make);
int start_command(const GlobalOptions& global, const std::string& id);
int state_command(const GlobalOptions& global, const std::string& id);
int kill_command(const GlobalOptions& global, const std::string& id, const std::string& signal,
                 bool all);
int delete_command(const GlobalOptions& global, const std::string& id, bool force);
int list_command(const GlobalOptions& global, const std::string& format, bool quiet);
int spec_command(const std::string& bundle, bool rootless);
///@}

}  // namespace minidocker::runtime
