#pragma once
/// \file
/// Device rules compiled to the eBPF program that cgroup v2 asks at each open and mknod.

#include <linux/bpf.h>

#include <vector>

#include "minidocker/cgroups/device_rules.hpp"

namespace minidocker::cgroups {

/// The rules as a BPF_PROG_TYPE_CGROUP_DEVICE program: 1 in register 0 allows, 0 denies.
[[nodiscard]] std::vector<struct bpf_insn> compile_devices(const std::vector<DeviceRule>& rules);

}  // namespace minidocker::cgroups
