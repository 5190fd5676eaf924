#pragma once
/// \file
/// Which cgroup hierarchies this process sees, where they are mounted and where it stands in them.

#include <string>
#include <string_view>
#include <vector>

namespace minidocker::cgroups {

/// How a host offers cgroups (cgroups(7)).
enum class Mode {
  none,    ///< no hierarchy is mounted
  v1,      ///< a hierarchy per controller, or per set of them
  hybrid,  ///< as v1; a v2 hierarchy without the controllers that matter stands beside
  v2,      ///< one hierarchy for all
};

/// A mounted hierarchy, as this process sees it.
struct Hierarchy {
  std::string controllers;  ///< v1: "cpu,cpuacct", "name=systemd"; v2: empty
  std::string mount;        ///< directory where it is mounted
  std::string own;          ///< our own group, seen from `mount`: "/" or "/a/b"
  bool read_only = false;   ///< is the mount, or the whole filesystem, read-only?
  bool operator==(const Hierarchy&) const = default;  ///< member by member
};

/// All hierarchies. For Mode::v2 exactly one; for hybrid only those of v1, as a process limited by
/// them gains nothing from the empty v2 one.
struct Layout {
  Mode mode = Mode::none;                          ///< which driver fits
  std::vector<Hierarchy> hierarchies;              ///< in the order of /proc/self/cgroup
  bool operator==(const Layout&) const = default;  ///< member by member
};

/// The layout out of the texts of /proc/self/mountinfo and /proc/self/cgroup. Hierarchies that are
/// not mounted are left out. Throws Error(invalid_argument) for text that is neither.
[[nodiscard]] Layout parse_layout(std::string_view mountinfo, std::string_view self_cgroup);

/// The layout of this process: reads each of the two files once. Throws SystemError.
[[nodiscard]] Layout detect();

/// Does the comma separated list `controllers` name `controller`?
[[nodiscard]] bool names_controller(std::string_view controllers, std::string_view controller);

}  // namespace minidocker::cgroups
