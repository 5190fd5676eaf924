#pragma once
/// \file
/// The driver for cgroup v2.

#include <vector>

#include "minidocker/cgroups/driver.hpp"

namespace minidocker::cgroups {

/// cgroup v2 (cgroup-v2.rst).
class V2Driver final : public Driver {
 public:
  void make(const Location& location, std::vector<Directory>& made) const override;
  void apply(const Location& location, const Limits& limits) const override;
  void update(const Location& location, const Limits& limits) const override;
  void apply_devices(const Location& location, const std::vector<DeviceRule>& rules) const override;
  void attach(const Location& location, pid_t pid) const override;
  [[nodiscard]] Stats stats(const Location& location) const override;
  void freeze(const Location& location, Deadline deadline) const override;
  void thaw(const Location& location, Deadline deadline) const override;
  [[nodiscard]] bool is_frozen(const Location& location) const override;
  void kill_all(const Location& location, Deadline deadline) const override;
  void wait_for_change(const Directory& directory, Deadline deadline) const override;
};

}  // namespace minidocker::cgroups
