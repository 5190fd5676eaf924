#pragma once
/// \file
/// The driver for cgroup v1.

#include <vector>

#include "minidocker/cgroups/driver.hpp"

namespace minidocker::cgroups {

/// cgroup v1, also as the larger part of a hybrid host (cgroup-v1/*.rst).
class V1Driver final : public Driver {
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

 private:
  static const Directory& freezer_of(const Location& location);
};

}  // namespace minidocker::cgroups
