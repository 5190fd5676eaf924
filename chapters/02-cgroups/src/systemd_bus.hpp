#pragma once
/// \file
/// mini-scope's side of D-Bus: what systemd is asked (org.freedesktop.systemd1(5), sd-bus(3)).
/// Nothing here waits for less than for ever: whoever started mini-scope has the clock, and kills
/// it.

#include <memory>
#include <string>

#include "systemd_protocol.hpp"

struct sd_bus;

namespace minidocker::cgroups {

/// A connection to systemd.
class SystemdBus {
 public:
  /// The system's bus, or that of the user. Throws Error(unavailable) saying what there is none of.
  explicit SystemdBus(Manager manager);

  /// Has the scope made with the process in it and waits until that is done; returns its group.
  /// Throws Error.
  std::string start(const ScopeRequest& request);
  /// Sets properties until the unit ends. Throws Error.
  void set(const ScopeRequest& request);

 private:
  struct Close {
    void operator()(sd_bus* bus) const noexcept;
  };
  std::unique_ptr<sd_bus, Close> bus_;
};

}  // namespace minidocker::cgroups
