#pragma once
/// \file
/// An owned cgroup: made, limited, entered, watched, killed and removed, whichever version the host
/// has.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "minidocker/cgroups/driver.hpp"
#include "minidocker/toolbox/child_plan.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::cgroups {

/// How long a killed process may take to be gone: it may be in the middle of a disk access.
inline constexpr std::chrono::milliseconds kPatience{10'000};

/// Owns a group: kills what is in it and removes the directories it made, unless released or
/// removed. Does nothing in a process other than the one that made it. Not thread-safe.
class Cgroup {
 public:
  /// Makes the group at `location`. One that exists is taken over if it is empty and not frozen;
  /// its directories are then not removed by the destructor. Throws Error(conflict) `container's
  /// cgroup is not empty` or `unexpectedly frozen`, SystemError.
  static Cgroup create(const Location& location);
  /// The group that somebody else made for us. Owns it from here on.
  static Cgroup take_over(const Location& location);
  /// The group that another process made and released. Owns nothing: only remove() removes it.
  static Cgroup reopen(const Location& location);

  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&& other) noexcept;
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup();

  [[nodiscard]] const Location& location() const noexcept { return location_; }  ///< where it is

  /// Writes limits to a fresh group. Throws Error(invalid_argument) for bad values,
  /// Error(unavailable) naming the controller that is missing or the limit that this version of
  /// cgroups has not, SystemError naming file and value.
  void apply(const Limits& limits) const;
  /// Changes limits of a group in use, in an order that works up and down: all of them or, if one
  /// is refused, none. What `limits` leaves absent stays. Throws as apply(); Error(conflict) or
  /// SystemError (EBUSY) for a memory limit below what is in use.
  void update(const Limits& limits) const;
  /// Sets device rules in place of earlier ones: v1 writes devices.deny and .allow, v2 attaches an
  /// eBPF program (needs CAP_SYS_ADMIN or CAP_BPF with CAP_NET_ADMIN). Throws as apply().
  void apply_devices(const std::vector<DeviceRule>& rules) const;

  /// Makes a child that runs `plan` enter: v1 appends a JoinCgroups step, v2 sets `clone.cgroup` so
  /// that it is born inside. This object must outlive the clone.
  void enter_by(ChildPlan& plan, sys::CloneArgs& clone);
  /// Moves process `pid`, all its threads, into the group. Throws SystemError (ESRCH, EACCES).
  void attach(pid_t pid) const;

  /// What has been used. Throws SystemError.
  [[nodiscard]] Stats stats() const;
  /// Processes in the group and below, in this process's PID namespace; 0 for those outside it. On
  /// v1 those of every hierarchy, sorted: one may have been moved out of the first alone.
  [[nodiscard]] std::vector<pid_t> processes() const;
  /// Stops them all where they are, also those that fork meanwhile; returns when the last one
  /// stands still. Throws Error(unavailable) if that takes longer than `patience`; nobody stays
  /// stopped then.
  void freeze(std::chrono::milliseconds patience = kPatience) const;
  /// Lets them go on. Groups below that were frozen by themselves stay so. Throws Error(conflict)
  /// if a group above is frozen.
  void thaw(std::chrono::milliseconds patience = kPatience) const;
  /// Does all in the group stand still, by its own or by a group above?
  [[nodiscard]] bool is_frozen() const;
  /// SIGKILL to all of them; returns when none is left. Throws Error(unavailable) if that takes
  /// longer than `patience`.
  void kill_all(std::chrono::milliseconds patience = kPatience) const;
  /// Removes the group with all below. Throws Error(conflict) if processes are left in it.
  void remove(std::chrono::milliseconds patience = kPatience);
  /// The group stays.
  void release() noexcept { made_.clear(); }

 private:
  explicit Cgroup(const Location& location);
  void destroy() noexcept;

  const Driver* driver_;
  Location location_;
  std::vector<Directory> made_;  ///< what the destructor removes
  UniqueFd directory_;           ///< v2: for clone3
  pid_t maker_ = -1;
};

}  // namespace minidocker::cgroups
