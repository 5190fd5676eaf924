#pragma once
/// \file
/// The seam between the versions of cgroups: what can be done to a group, whichever it is.

#include <sys/types.h>

#include <chrono>
#include <vector>

#include "minidocker/cgroups/device_rules.hpp"
#include "minidocker/cgroups/limits.hpp"
#include "minidocker/cgroups/location.hpp"
#include "minidocker/cgroups/stats.hpp"

namespace minidocker::cgroups {

/// A point in time until which an operation may wait.
using Deadline = std::chrono::steady_clock::time_point;

/// Works on groups of one version. Stateless: all it needs is in the Location. Whoever is not
/// writing a driver uses Cgroup.
class Driver {
 public:
  /// Makes the directories of `location`, appending each one it made to `made` at once, so that a
  /// failure leaves its owner with exactly what exists. A group that was there is taken if it is
  /// empty and not frozen, else Error(conflict).
  virtual void make(const Location& location, std::vector<Directory>& made) const = 0;
  /// Writes limits to a fresh group. Throws Error(unavailable) if a controller is missing, or this
  /// version has no such limit, SystemError.
  virtual void apply(const Location& location, const Limits& limits) const = 0;
  /// Changes limits of a group in use: all of them or, if one is refused, none. Throws as apply(),
  /// Error(conflict) for a limit below what is in use (MemoryLimits::check_before_update).
  virtual void update(const Location& location, const Limits& limits) const = 0;
  /// Sets device rules in place of earlier ones. Throws as apply().
  virtual void apply_devices(const Location& location,
                             const std::vector<DeviceRule>& rules) const = 0;
  /// Moves process `pid`, all its threads, into the group. Throws SystemError.
  virtual void attach(const Location& location, pid_t pid) const = 0;
  /// Reads what has been used. Throws SystemError.
  [[nodiscard]] virtual Stats stats(const Location& location) const = 0;
  /// Stops all in the group and below, wherever they are; returns when the last one stands still.
  /// Throws Error(unavailable) at `deadline`; nobody is stopped then.
  virtual void freeze(const Location& location, Deadline deadline) const = 0;
  /// Lets them go on. Throws Error(conflict) if a group above is frozen.
  virtual void thaw(const Location& location, Deadline deadline) const = 0;
  /// Does all in the group stand still?
  [[nodiscard]] virtual bool is_frozen(const Location& location) const = 0;
  /// SIGKILL to every process in the group and below, also to those that fork meanwhile or are
  /// frozen; returns when none is left. Throws Error(unavailable) at `deadline`.
  virtual void kill_all(const Location& location, Deadline deadline) const = 0;
  /// Waits until a process may have left the group at `directory`, at most until `deadline`.
  virtual void wait_for_change(const Directory& directory, Deadline deadline) const = 0;

 protected:
  ~Driver() = default;  // nobody owns one: there is one of each version, for ever
};

/// The driver for `mode`. Throws Error(unavailable) for Mode::none.
[[nodiscard]] const Driver& driver_for(Mode mode);

/// Removes a directory with its subgroups; already gone is fine. Waits while a process is leaving.
/// Throws Error(conflict) naming processes that are still in it at `deadline`.
void remove_directory(const Driver& driver, const Directory& directory, Deadline deadline);

}  // namespace minidocker::cgroups
