#include "minidocker/cgroups/oom_watch.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "group_files.hpp"
#include "minidocker/cgroups/driver.hpp"
#include "minidocker/cgroups/stats.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/watch.hpp"
#include "minidocker/toolbox/trace.hpp"

namespace minidocker::cgroups {
namespace {

/// From v1's news to the kill it announces.
constexpr std::chrono::milliseconds kKillComes{100};

/// The file that counts, or tells why it does not.
std::string counter_of(const std::string& path, bool is_v1) {
  return path + (is_v1 ? "/memory.oom_control" : "/memory.events");
}

}  // namespace

OomWatch::OomWatch(std::string path, Mode mode) : path_(std::move(path)), is_v1_(mode != Mode::v2) {
  if (!is_v1_) {
    const std::string file = counter_of(path_, false);
    ready_ = sys::inotify().or_throw("inotify");
    sys::inotify_watch(ready_.get(), file.c_str(), IN_MODIFY)
        .or_throw(quoted(file), "the memory controller must be enabled in the group above");
  } else {
    event_ = sys::eventfd().or_throw("eventfd");
    new_groups_ = sys::inotify().or_throw("inotify");
    ready_ = sys::epoll().or_throw("epoll");
    sys::epoll_add(ready_.get(), event_.get(), EPOLLIN).or_throw("eventfd");
    sys::epoll_add(ready_.get(), new_groups_.get(), EPOLLIN).or_throw("inotify");
    watch_v1_group(path_);
  }
  (void)count(path_);  // what was before is no news
}

OomWatch OomWatch::of(const Location& location) {
  const Directory* directory = location.find("memory");
  if (directory == nullptr) {
    throw Error(ErrorKind::unavailable,
                "watch for OOM kills: this host has no memory controller; hint: mount it");
  }
  const trace::Scope told("02-cgroups", "watch for OOM kills in " + directory->group,
                          "a process that is killed for want of memory is told by no exit code");
  return {directory->path(), location.mode};
}

void OomWatch::watch_v1_group(const std::string& path) {
  const UniqueFd oom = sys::open(counter_of(path, true).c_str(), O_RDONLY).or_throw(quoted(path));
  write_control(path + "/cgroup.event_control", fmt::format("{} {}", event_.get(), oom.get()));
  sys::inotify_watch(new_groups_.get(), path.c_str(), IN_CREATE | IN_ONLYDIR)
      .or_throw(quoted(path));
}

/// New groups are watched first and read then: no kill falls between.
std::uint64_t OomWatch::count(const std::string& path) {
  const std::string text = read_control(counter_of(path, is_v1_)).value_or("");
  const std::uint64_t total = parse_keyed(text, "oom_kill").value_or(0);
  std::uint64_t news = total - std::min(total, std::exchange(counts_[path], total));
  if (!is_v1_) return news;  // v2 has counted the groups below already
  for (const std::string& name : subgroups(path)) {
    const std::string below = path + "/" + name;
    if (!counts_.contains(below)) {
      try {
        watch_v1_group(below);
      } catch (const SystemError& error) {
        if (error.code() != ENOENT && error.code() != ENODEV) throw;
        continue;  // gone again
      }
    }
    news += count(below);
  }
  return news;
}

bool OomWatch::drain() noexcept {
  alignas(struct inotify_event) std::array<char, 4096> buffer;
  const UniqueFd& names = is_v1_ ? new_groups_ : ready_;
  while (sys::read(names.get(), buffer.data(), buffer.size()).ok()) {
  }
  return is_v1_ && sys::read(event_.get(), buffer.data(), buffer.size()).ok();
}

std::uint64_t OomWatch::take() {
  const Deadline deadline = Deadline::clock::now() + kKillComes;
  const bool is_announced = drain();
  while (true) {
    const std::uint64_t news = count(path_);
    if (news > 0 || !is_announced || Deadline::clock::now() >= deadline) return news;
    // Also told when the group is removed, and where processes wait instead of being killed.
    const std::optional<std::string> state = read_control(counter_of(path_, true));
    if (!state || parse_keyed(*state, "oom_kill_disable") == 1U) return news;
    (void)sys::poll({}, 1);
  }
}

}  // namespace minidocker::cgroups
