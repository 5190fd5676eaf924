#pragma once
/// \file
/// Where a group lies, decided before it is made, so that an intent can be recorded first; and why
/// there can be none.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "minidocker/cgroups/detect.hpp"
#include "minidocker/toolbox/error.hpp"

namespace minidocker::cgroups {

/// A group in one hierarchy.
struct Directory {
  std::string controllers;  ///< as in Hierarchy
  std::string mount;        ///< where the hierarchy is mounted
  std::string group;        ///< the group seen from there: "/mini-docker/web"
  [[nodiscard]] std::string path() const { return mount + group; }  ///< of its directory
  bool operator==(const Directory&) const = default;                ///< member by member
};

/// Whose the directory of a group is. systemd's own groups are units; a container's is a scope.
enum class Manager {
  nobody,  ///< ours: we make it and remove it
  system,  ///< the system's systemd makes it, and removes it when it is empty
  user,    ///< likewise the systemd of a user's session
};

/// A group in all hierarchies: with v1 a directory in each, with v2 a single one.
struct Location {
  Mode mode = Mode::none;              ///< which driver works on it
  std::vector<Directory> directories;  ///< never empty unless `mode` is none
  Manager manager = Manager::nobody;   ///< who makes it; only with v2 anybody but us

  /// The directory whose hierarchy holds `controller`; with v2 the only one. Null if none does.
  [[nodiscard]] const Directory* find(std::string_view controller) const;
  /// As text for a state file: a line for mode and manager, and one for each directory.
  [[nodiscard]] std::string to_text() const;
  /// The inverse of to_text(). Throws Error(invalid_argument).
  static Location from_text(std::string_view text);
  bool operator==(const Location&) const = default;  ///< member by member
};

/// Why a group cannot be had here.
struct Reason {
  ErrorKind kind;      ///< unavailable or permission
  std::string brief;   ///< "no delegated cgroup", to be put in brackets
  std::string detail;  ///< what was looked at and what to do
};

/// Where group `path` would be (runtime spec, "Control groups"), or why nowhere: absolute means
/// below the hierarchy's root, relative below our own group (v1) or below its parent (v2). Where
/// the root is not ours to write, or lacks controllers, the fallback is our own group's
/// neighbourhood; a trace::Scope tells it. `who` is our effective uid. Makes nothing. Throws
/// Error(invalid_argument) for a path that is empty, too long, or holds ".." or control characters.
[[nodiscard]] std::variant<Location, Reason> place(const Layout& layout, std::string_view path,
                                                   uid_t who);

/// The same for us, if we cannot do without: throws Error with the reason.
[[nodiscard]] Location locate(const Layout& layout, std::string_view path);

/// Why this process can have no group of its own with limits; nothing if it can.
[[nodiscard]] std::optional<Reason> why_not(const Layout& layout);

/// Throws the error for a wish that needs a group where there can be none, e.g. `what` "a memory
/// limit": `a memory limit needs a cgroup that may be written: no delegated cgroup; hint: ...`.
[[noreturn]] void refuse(const Reason& reason, std::string_view what);

}  // namespace minidocker::cgroups
