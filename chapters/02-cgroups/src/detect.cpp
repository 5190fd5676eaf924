#include "minidocker/cgroups/detect.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "group_files.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/mountinfo.hpp"

namespace minidocker::cgroups {
namespace {

/// Cuts `text` at the first `separator` and returns the part before it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

/// Only the lines of cgroup filesystems: a host with a thousand mounts shall cost us no thousand
/// parsed ones.
std::vector<MountEntry> cgroup_mounts(std::string_view mountinfo) {
  std::string kept;
  while (!mountinfo.empty()) {
    const std::string_view line = take_until(mountinfo, '\n');
    if (line.find(" - cgroup") == std::string_view::npos) continue;
    kept.append(line).push_back('\n');
  }
  std::vector<MountEntry> mounts = parse_mountinfo(kept);
  std::vector<MountEntry> seen;
  for (MountEntry& mount : mounts) {
    if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
    // What is mounted later at the same place covers it.
    std::erase_if(seen, [&](const MountEntry& below) { return below.target == mount.target; });
    seen.push_back(std::move(mount));
  }
  return seen;
}

/// A line of /proc/self/cgroup: "4:memory:/a/b" or "0::/".
struct OwnGroup {
  std::string_view controllers;
  std::string_view path;
};

std::vector<OwnGroup> parse_own_groups(std::string_view text) {
  std::vector<OwnGroup> groups;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string whole(line);
    take_until(line, ':');
    const OwnGroup group{take_until(line, ':'), line};
    if (!group.path.starts_with('/')) {
      throw Error(ErrorKind::invalid_argument,
                  "/proc/self/cgroup: cannot understand the line " + quoted(whole));
    }
    groups.push_back(group);
  }
  return groups;
}

bool belongs(const MountEntry& mount, std::string_view controllers) {
  if (controllers.empty()) return mount.type == "cgroup2";
  if (mount.type != "cgroup") return false;
  while (!controllers.empty()) {
    if (!names_controller(mount.super_options, take_until(controllers, ','))) return false;
  }
  return true;
}

/// Our group as seen from a mount that shows the hierarchy from `root` on: a container without a
/// cgroup namespace sees only a part of it. A group outside of the mount has no name there.
std::string seen_from(std::string_view root, std::string_view own) {
  const bool inside =
      root == "/" || own == root || (own.starts_with(root) && own[root.size()] == '/');
  if (!inside || own.find("/..") != std::string_view::npos) return "/";
  if (root != "/") own.remove_prefix(root.size());
  return own.empty() ? "/" : std::string(own);
}

std::optional<Hierarchy> find_hierarchy(const std::vector<MountEntry>& mounts,
                                        const OwnGroup& own) {
  for (const MountEntry& mount : mounts) {
    if (!belongs(mount, own.controllers)) continue;
    const bool read_only = mount.has_option("ro") || names_controller(mount.super_options, "ro");
    return Hierarchy{std::string(own.controllers), mount.target, seen_from(mount.root, own.path),
                     read_only};
  }
  return std::nullopt;
}

/// A hierarchy with one of the controllers that containers are limited by. Others are mounted as v1
/// beside a v2 that holds all the rest: VPN clients do so with net_cls, to mark packets.
bool limits_containers(const Hierarchy& hierarchy) {
  return std::ranges::any_of(
      std::array<std::string_view, 3>{"memory", "cpu", "pids"},
      [&](std::string_view name) { return names_controller(hierarchy.controllers, name); });
}

bool has_controller(const Hierarchy& hierarchy) {
  return !hierarchy.controllers.empty() && !hierarchy.controllers.starts_with("name=");
}

}  // namespace

bool names_controller(std::string_view controllers, std::string_view controller) {
  while (!controllers.empty()) {
    if (take_until(controllers, ',') == controller) return true;
  }
  return false;
}

Layout parse_layout(std::string_view mountinfo, std::string_view self_cgroup) {
  const std::vector<MountEntry> mounts = cgroup_mounts(mountinfo);
  Layout layout;
  std::optional<Hierarchy> unified;
  for (const OwnGroup& own : parse_own_groups(self_cgroup)) {
    std::optional<Hierarchy> hierarchy = find_hierarchy(mounts, own);
    if (!hierarchy) continue;
    if (own.controllers.empty()) {
      unified = std::move(hierarchy);
    } else {
      layout.hierarchies.push_back(*std::move(hierarchy));
    }
  }
  if (std::ranges::any_of(layout.hierarchies, limits_containers)) {
    layout.mode = unified ? Mode::hybrid : Mode::v1;
  } else if (unified) {
    layout = {Mode::v2, {*std::move(unified)}};
  } else if (std::ranges::any_of(layout.hierarchies, has_controller)) {
    layout.mode = Mode::v1;
  } else {
    layout = {};
  }
  return layout;
}

Layout detect() {
  return parse_layout(read_file("/proc/self/mountinfo"),
                      read_control("/proc/self/cgroup").value_or(""));
}

}  // namespace minidocker::cgroups
