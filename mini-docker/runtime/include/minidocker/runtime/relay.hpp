#pragma once
/// \file
/// Copies one stream, a piece at a time, without ever waiting.

#include <poll.h>

#include <array>
#include <cstddef>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::runtime {

/// Where a relay writes to.
struct Sink {
  UniqueFd fd;            ///< open for writing
  bool may_block = true;  ///< could write(2) wait, if more than poll(2) promises is written?
};

/// A client's terminal or pipe, opened a second time with O_NONBLOCK: a terminal that is held
/// (Ctrl-S) would stop us in write(2) whatever poll(2) said, and the flag on his own open file
/// would surprise his shell. Anything else, and one that may not be opened, stays as it is. Not for
/// a master side: opening that again makes a new terminal.
[[nodiscard]] Sink without_waiting(UniqueFd fd);

/// Copies what can be read from one descriptor to another. Owns both; both are closed when the
/// source has ended and all is written, or when nobody reads any more.
class Relay {
 public:
  /// \p from is read when poll(2) says so; \p to is written likewise, in pieces that cannot block.
  Relay(UniqueFd from, Sink to);

  /// What to wait for; its fd is -1 once the relay is done.
  [[nodiscard]] struct pollfd wants() const noexcept;
  /// Goes on, after poll(2) has said `revents` for wants(). Throws SystemError.
  void proceed(short revents);
  /// Is everything copied, or nobody left to copy to?
  [[nodiscard]] bool is_done() const noexcept { return !to_; }
  /// Does it hold bytes that are not written yet?
  [[nodiscard]] bool holds_bytes() const noexcept { return begin_ != end_; }

 private:
  void fill();
  void flush();
  void finish() noexcept;

  UniqueFd from_;
  UniqueFd to_;
  std::size_t piece_;  ///< most bytes of one write
  std::array<char, 64 * 1024> buffer_;
  std::size_t begin_ = 0;  ///< bytes [begin_, end_) wait to be written
  std::size_t end_ = 0;
};

}  // namespace minidocker::runtime
