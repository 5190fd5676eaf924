#pragma once
/// \file
/// Tasks done by a few threads at once, for transfers that wait for the network.

#include <cstddef>
#include <functional>

namespace minidocker::registry {

/// Thrown into tasks when another one has failed.
struct Cancelled {};

/// Calls `task(i, check)` for each i below `count` in at most `parallel` threads and waits for all.
/// The first exception is thrown on; tasks that have not begun never do, and `check` throws
/// Cancelled in those that have.
void in_parallel(std::size_t count, unsigned parallel,
                 const std::function<void(std::size_t, const std::function<void()>&)>& task);

}  // namespace minidocker::registry
