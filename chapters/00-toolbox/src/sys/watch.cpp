#include "minidocker/toolbox/sys/watch.hpp"

#include "traced.hpp"

namespace minidocker::sys {

using trace::fd;
using trace::flags;
using trace::text;

namespace {

constexpr trace::FlagName kInotifyEvents[] = {{IN_MODIFY, "IN_MODIFY"},
                                              {IN_CREATE, "IN_CREATE"},
                                              {IN_DELETE, "IN_DELETE"},
                                              {IN_ONLYDIR, "IN_ONLYDIR"},
                                              {0, nullptr}};
constexpr trace::FlagName kEpollEvents[] = {
    {EPOLLIN, "EPOLLIN"}, {EPOLLPRI, "EPOLLPRI"}, {0, nullptr}};

constexpr CallInfo kEventfd{"eventfd2", "eventfd(2)"};
constexpr CallInfo kInotifyInit{"inotify_init1", "inotify_init(2)"};
constexpr CallInfo kInotifyAddWatch{"inotify_add_watch", "inotify_add_watch(2)"};
constexpr CallInfo kEpollCreate{"epoll_create1", "epoll_create(2)"};
constexpr CallInfo kEpollCtl{"epoll_ctl", "epoll_ctl(2)"};

}  // namespace

Result<UniqueFd> eventfd() noexcept {
  return owning(kEventfd,
                traced(
                    kEventfd, [] { return invoke(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK); },
                    text("EFD_CLOEXEC|EFD_NONBLOCK", "flags")));
}

Result<UniqueFd> inotify() noexcept {
  return owning(
      kInotifyInit,
      traced(
          kInotifyInit, [] { return invoke(SYS_inotify_init1, IN_CLOEXEC | IN_NONBLOCK); },
          text("IN_CLOEXEC|IN_NONBLOCK", "flags")));
}

Result<> inotify_watch(int inotify, const char* name, std::uint32_t mask) noexcept {
  return done(
      kInotifyAddWatch,
      traced(
          kInotifyAddWatch, [&] { return invoke(SYS_inotify_add_watch, inotify, name, mask); },
          fd(inotify), text(name), flags(kInotifyEvents, mask, "mask")));
}

Result<UniqueFd> epoll() noexcept {
  return owning(kEpollCreate,
                traced(
                    kEpollCreate, [] { return invoke(SYS_epoll_create1, EPOLL_CLOEXEC); },
                    text("EPOLL_CLOEXEC", "flags")));
}

Result<> epoll_add(int epoll, int watched, std::uint32_t events) noexcept {
  struct epoll_event event{};
  event.events = events;
  event.data.fd = watched;
  return done(
      kEpollCtl,
      traced(
          kEpollCtl, [&] { return invoke(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, watched, &event); },
          fd(epoll), text("EPOLL_CTL_ADD"), fd(watched), flags(kEpollEvents, events, "events")));
}

}  // namespace minidocker::sys
