#include "minidocker/cgroups/driver.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "group_files.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "v1.hpp"
#include "v2.hpp"

namespace minidocker::cgroups {

const Driver& driver_for(Mode mode) {
  static const V1Driver v1;
  static const V2Driver v2;
  if (mode == Mode::none) {
    throw Error(ErrorKind::unavailable,
                "no cgroup hierarchy is mounted; hint: mount cgroup2 on /sys/fs/cgroup");
  }
  if (mode == Mode::v2) return v2;
  return v1;
}

void remove_directory(const Driver& driver, const Directory& directory, Deadline deadline) {
  const std::string path = directory.path();
  while (true) {
    sys::Result<> removed = sys::rmdir(path.c_str());
    if (removed.ok() || removed.error() == ENOENT) return;
    if (removed.error() != EBUSY) std::move(removed).or_throw(quoted(path));
    for (const std::string& name : subgroups(path)) {
      Directory below = directory;
      below.group += "/" + name;
      remove_directory(driver, below, deadline);
    }
    if (Deadline::clock::now() >= deadline) {
      throw Error(
          ErrorKind::conflict,
          fmt::format("cannot remove cgroup {}: it holds processes {}; hint: kill them first", path,
                      pids_in_words(processes_in(path))));
    }
    // A process that has just ended leaves its group a moment after its parent knows of it.
    driver.wait_for_change(directory, deadline);
  }
}

}  // namespace minidocker::cgroups
