#include "minidocker/cgroups/join.hpp"

#include <fcntl.h>

#include <fmt/format.h>

#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::cgroups {

StepResult JoinCgroups::run(ChildContext&) const noexcept {
  for (const char* const* path = tasks; *path != nullptr; ++path) {
    sys::Result<UniqueFd> file = sys::open(*path, O_WRONLY);
    if (!file) return file;
    // One call less a hierarchy than closing each: execve does it.
    const sys::Result<std::size_t> written = sys::write(file.value().release(), "0", 1);
    if (!written) return written;
  }
  return StepResult::ok();
}

std::string JoinCgroups::describe() const {
  std::size_t count = 0;
  while (tasks[count] != nullptr) ++count;
  return fmt::format("enter cgroup {} in {} hierarchies", group, count);
}

}  // namespace minidocker::cgroups
