#include "minidocker/cgroups/view.hpp"

#include <fcntl.h>
#include <sys/mount.h>

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/mount.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::cgroups {
namespace {

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::vector<GroupView> views_of(const Location& location) {
  std::vector<GroupView> views;
  if (location.mode == Mode::v2 || location.mode == Mode::none) return views;
  for (const Directory& directory : location.directories) {
    views.push_back({last_part(directory.mount), directory.path()});
  }
  return views;
}

std::vector<ControllerLink> links_of(const Location& location) {
  std::vector<ControllerLink> links;
  for (const Directory& directory : location.directories) {
    const std::string target = last_part(directory.mount);
    std::string_view rest = directory.controllers;
    if (rest.find(',') == std::string_view::npos) continue;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      const std::string_view name = rest.substr(0, comma);
      if (name != target) links.push_back({std::string(name), target});
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  return links;
}

StepResult BindGroups::run(ChildContext&) const noexcept {
  sys::Result<UniqueFd> opened = open_in_root(*root, where, O_PATH | O_DIRECTORY);
  if (!opened) return opened;
  const int tmpfs = std::move(opened).value().release();  // execve closes it
  // From here on plain names: nothing is in this tmpfs but what this loop makes.
  for (std::size_t i = 0; i < count; ++i) {
    const sys::Result<> made = sys::mkdirat(tmpfs, names[i], 0755);
    if (!made) return made;
    const FdPath group(tmpfs, names[i]);
    const sys::Result<> bound = sys::mount(groups[i], group.c_str(), nullptr, MS_BIND, nullptr);
    if (!bound) return bound;
  }
  return sys::mount_setattr(tmpfs, "", AT_EMPTY_PATH | AT_RECURSIVE, set, clear, 0);
}

std::string BindGroups::describe() const {
  return fmt::format("bind the container's own groups of {} hierarchies below {}", count, where);
}

}  // namespace minidocker::cgroups
