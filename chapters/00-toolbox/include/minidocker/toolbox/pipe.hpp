#pragma once
/// \file
/// Owned pipes and socket pairs.

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker {

/// A pipe(7), both ends close-on-exec.
struct Pipe {
  UniqueFd read_end;   ///< end of file once all write ends are closed
  UniqueFd write_end;  ///< EPIPE once all read ends are closed
  /// Throws SystemError (EMFILE, ENFILE).
  static Pipe make();
};

/// A pair of connected AF_UNIX sockets that keep message boundaries (SOCK_SEQPACKET).
struct SocketPair {
  UniqueFd ours;    ///< stays here
  UniqueFd theirs;  ///< for the other process
  /// Throws SystemError (EMFILE, ENFILE).
  static SocketPair make();
};

}  // namespace minidocker
