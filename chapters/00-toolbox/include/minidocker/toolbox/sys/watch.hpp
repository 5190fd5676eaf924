#pragma once
/// \file
/// Descriptors that tell of events: counters of the kernel's, changes of files, and many at once.

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <cstdint>

#include "minidocker/toolbox/result.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::sys {

/// eventfd2(2) with EFD_CLOEXEC and EFD_NONBLOCK, from 0: readable when somebody has added to it.
Result<UniqueFd> eventfd() noexcept;
/// inotify_init1(2) with IN_CLOEXEC and IN_NONBLOCK. EMFILE: fs.inotify.max_user_instances.
Result<UniqueFd> inotify() noexcept;
/// inotify_add_watch(2) for `mask` (IN_MODIFY, IN_CREATE, ...) of a file or directory. ENOSPC:
/// fs.inotify.max_user_watches.
Result<> inotify_watch(int inotify, const char* path, std::uint32_t mask) noexcept;
/// epoll_create1(2) with EPOLL_CLOEXEC: readable when one of those it watches has an event.
Result<UniqueFd> epoll() noexcept;
/// epoll_ctl(2) EPOLL_CTL_ADD: watches `fd` for `events` (EPOLLIN, EPOLLPRI), level-triggered.
Result<> epoll_add(int epoll, int fd, std::uint32_t events) noexcept;

}  // namespace minidocker::sys
