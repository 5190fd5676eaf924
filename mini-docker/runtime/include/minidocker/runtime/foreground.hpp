#pragma once
/// \file
/// Standing by while a container runs: signals go in, the terminal's bytes go both ways, the exit
/// comes out.

#include <csignal>

#include "minidocker/toolbox/process.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::runtime {

/// Who reaps a process of the container whose own parent has died?
enum class Orphans {
  are_the_containers,  ///< pid 1 of its PID namespace
  are_ours,            ///< it has no such namespace: we do
};

/// Blocks all signals that can be forwarded, for as long as it lives, and makes us the reaper of
/// orphaned descendants, if they are ours: made before the container, so that no signal falls
/// between.
class ForegroundSignals {
 public:
  /// Throws SystemError.
  explicit ForegroundSignals(Orphans orphans);
  ForegroundSignals(const ForegroundSignals&) = delete;
  ForegroundSignals& operator=(const ForegroundSignals&) = delete;
  ~ForegroundSignals();
  /// signalfd(2); borrowed.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  sigset_t before_;
  UniqueFd fd_;
};

/// Waits for the end of `process`, forwarding signals; with a `terminal` (its master side) relays
/// it to our standard input and output, raw, and follows the window's size.
ExitStatus stand_by(Process& process, const ForegroundSignals& signals, UniqueFd terminal);

}  // namespace minidocker::runtime
