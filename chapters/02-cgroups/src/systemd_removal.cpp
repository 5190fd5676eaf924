#include "systemd_removal.hpp"

#include <poll.h>
#include <sys/inotify.h>

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "group_files.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/socket.hpp"
#include "minidocker/toolbox/sys/watch.hpp"

namespace minidocker::cgroups {
namespace {

[[noreturn]] void give_up(const std::string& path) {
  const std::vector<pid_t> pids = processes_in(path);
  if (!pids.empty()) {
    throw Error(ErrorKind::conflict,
                fmt::format("cannot remove cgroup {}: it holds processes {}; hint: kill them first",
                            path, pids_in_words(pids)));
  }
  throw Error(
      ErrorKind::unavailable,
      fmt::format("cgroup {} is empty, and systemd does not remove it; hint: systemctl stop "
                  "{}",
                  path, path.substr(path.find_last_of('/') + 1)));
}

}  // namespace

void await_removal(const Driver& driver, const Directory& directory, Deadline deadline) {
  const std::string path = directory.path();
  for (const std::string& name : subgroups(path)) {
    remove_directory(driver, {directory.controllers, directory.mount, directory.group + "/" + name},
                     deadline);
  }
  const std::string above = path.substr(0, path.find_last_of('/'));
  const UniqueFd changes = sys::inotify().or_throw(quoted(above));
  const sys::Result<> watched = sys::inotify_watch(changes.get(), above.c_str(), IN_DELETE);
  // Whoever looks only after the watch is set misses nothing; a slice may be gone as a whole.
  while (exists(path)) {
    sys::Result<>(watched).or_throw(quoted(above));
    std::array<struct pollfd, 1> wait{{{changes.get(), POLLIN, 0}}};
    if (milliseconds_until(deadline) == 0) give_up(path);
    if (!sys::poll(wait, milliseconds_until(deadline))) continue;
    std::array<char, 4096> events;
    (void)sys::read(changes.get(), events.data(), events.size());
  }
}

}  // namespace minidocker::cgroups
