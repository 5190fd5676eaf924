#pragma once
/// \file
/// What child and parent of a ChildPlan say to each other over a SOCK_SEQPACKET pair.
///
/// | from   | message        | descriptors | meaning                                             |
/// |--------|----------------|-------------|-----------------------------------------------------|
/// | child  | Message sync   | -           | reached Sync{point}; waits for one byte             |
/// | parent | byte kGoAhead  | -           | go on                                               |
/// | child  | Message fd     | 1           | a SendFd step                                       |
/// | child  | Message failed | -           | step `step` failed; the child exits                 |
/// | child  | end of file    | -           | execve has closed the socket, or the child is dead  |
/// | parent | end of file    | -           | the parent is dead: the child exits at its next Sync|

#include <cstdint>

#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/result.hpp"

namespace minidocker {

/// A message of the child. Both ends are the same program at the same addresses, so pointers to
/// static data mean the same on either side.
struct ChildMessage {
  /// What happened.
  enum class Kind : std::uint16_t { sync = 1, fd = 2, failed = 3 };
  Kind kind;            ///< what happened
  std::uint16_t point;  ///< sync: which SyncPoint
  std::uint32_t step;   ///< index of the step
  StepResult result;    ///< failed: why
};

/// What the parent answers to Kind::sync. Not just any byte: what strayed into the socket must not
/// pass for it.
inline constexpr char kGoAhead = 1;

/// Sends `message`, with `fd` unless that is -1.
StepResult send_to_parent(const ChildContext& context, const ChildMessage& message,
                          int fd = -1) noexcept;

}  // namespace minidocker
