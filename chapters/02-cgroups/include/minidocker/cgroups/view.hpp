#pragma once
/// \file
/// What a container sees of v1's hierarchies in its /sys/fs/cgroup: its own group of each.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "minidocker/cgroups/location.hpp"
#include "minidocker/toolbox/child_plan.hpp"

namespace minidocker::cgroups {

/// A hierarchy by the name under which it is shown, and the group to show.
struct GroupView {
  std::string name;                                   ///< last part of the mount point: "memory"
  std::string group;                                  ///< the group's directory on the host
  bool operator==(const GroupView&) const = default;  ///< member by member
};

/// The views of a v1 or hybrid location; none for v2, where the tree itself is mounted.
[[nodiscard]] std::vector<GroupView> views_of(const Location& location);

/// A link for each controller that shares its hierarchy: "cpu" -> "cpu,cpuacct".
struct ControllerLink {
  std::string name;                                        ///< "cpu"
  std::string target;                                      ///< "cpu,cpuacct"
  bool operator==(const ControllerLink&) const = default;  ///< member by member
};
/// The links that programs expect beside merged hierarchies.
[[nodiscard]] std::vector<ControllerLink> links_of(const Location& location);

/// Makes a directory for each group in a tmpfs that was just mounted, and so holds no link of
/// anybody else's, and binds the group there. One recursive mount_setattr(2) sets the flags of all
/// of them. Must run while the host's cgroup mounts can still be named.
struct BindGroups {
  static constexpr StepInfo kInfo{"02-cgroups",
                                  "programs read their limits here; they must not change them"};
  const int* root;            ///< slot: O_PATH descriptor of the container's root
  const char* where;          ///< the tmpfs, container's view: "/sys/fs/cgroup"
  const char* const* names;   ///< directories to make
  const char* const* groups;  ///< what to bind there
  std::size_t count;          ///< how many
  std::uint64_t set;          ///< MOUNT_ATTR_* to set on the tmpfs and all binds
  std::uint64_t clear = 0;    ///< MOUNT_ATTR_* to clear there
  StepResult run(ChildContext& context) const noexcept;
  [[nodiscard]] std::string describe() const;
};

}  // namespace minidocker::cgroups
