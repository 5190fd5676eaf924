#pragma once
/// \file
/// The program's standard streams: what it gets, and what has to be copied for it.

#include <poll.h>

#include <memory>
#include <vector>

#include "minidocker/runtime/relay.hpp"
#include "minidocker/shim/protocol.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::shim {

/// All copying for one container.
///
/// Without a terminal the program gets pipes of ours, and from them its bytes are copied to the
/// client. Nothing of the client's is given away but /dev/null: a program that got his terminal
/// could type into it (TIOCSTI) and would take itself for interactive; one that got his file could
/// truncate it through /proc/self/fd; and all become the property of the container's user, so that
/// he can open /dev/stdout.
class Streams {
 public:
  /// Takes the client's descriptors. `terminal`: the program will have a terminal of its own.
  Streams(StartFds& fds, bool terminal);

  /// What the program gets; borrowed until close_theirs().
  [[nodiscard]] int in() const noexcept { return theirs_[0].get(); }
  [[nodiscard]] int out() const noexcept { return theirs_[1].get(); }  ///< likewise
  [[nodiscard]] int err() const noexcept { return theirs_[2].get(); }  ///< likewise

  /// Connects the client to the master side of the program's terminal, and gives that the size of
  /// the client's window.
  void attach_terminal(UniqueFd master);
  /// The program has its streams: our copies would keep it from seeing the end of its input.
  void close_theirs() noexcept;

  /// Appends what to wait for, one entry a relay.
  void add_to(std::vector<struct pollfd>& fds) const;
  /// Goes on, with what poll(2) has said of the entries that add_to() appended.
  void proceed(const struct pollfd* fds);
  /// The program has ended: nothing is read for it any more.
  void end_input() noexcept;
  /// Is something of the program's output not written yet?
  [[nodiscard]] bool holds_output() const noexcept;
  /// The client's window has this size now.
  void resize(const Resize& size) noexcept;

 private:
  void give_input(UniqueFd client);
  void give_output(UniqueFd client, UniqueFd& theirs);
  std::vector<std::unique_ptr<runtime::Relay>> relays_;
  std::size_t first_output_ = 0;  ///< relays_ before it go towards the program
  UniqueFd client_in_;            ///< kept for attach_terminal
  UniqueFd client_out_;           ///< kept for attach_terminal
  UniqueFd master_;               ///< of the program's terminal
  UniqueFd theirs_[3];
};

}  // namespace minidocker::shim
