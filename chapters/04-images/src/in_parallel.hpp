#pragma once
/// \file
/// Jobs of equal kind on as many threads as there are CPUs.

#include <cstddef>
#include <functional>
#include <stop_token>

namespace minidocker::images_unpack {

/// Runs `job(0, ...)` to `job(count - 1, ...)`, several at once, and waits for all. When one
/// throws, no further one is begun, those under way are asked to stop, and what was thrown first is
/// thrown.
void in_parallel(std::size_t count,
                 const std::function<void(std::size_t, const std::stop_token&)>& job);

}  // namespace minidocker::images_unpack
