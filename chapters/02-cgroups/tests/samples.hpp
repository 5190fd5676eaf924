#pragma once
/// \file
/// /proc/self/mountinfo and /proc/self/cgroup of hosts of each kind.

namespace minidocker::cgroups::samples {

inline constexpr const char* kV1Mounts =
    "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "29 25 0:25 / /sys/fs/cgroup rw shared:5 - tmpfs tmpfs rw,mode=755\n"
    "30 29 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:6 - cgroup cgroup rw,cpu,cpuacct\n"
    "31 29 0:27 / /sys/fs/cgroup/memory rw shared:7 - cgroup cgroup rw,memory\n"
    "32 29 0:28 / /sys/fs/cgroup/pids ro shared:8 - cgroup cgroup rw,pids\n"
    "33 29 0:29 / /sys/fs/cgroup/systemd rw shared:9 - cgroup cgroup rw,xattr,name=systemd\n";
inline constexpr const char* kV1Groups =
    "5:name=systemd:/user.slice/session-1.scope\n"
    "4:cpu,cpuacct:/user.slice\n"
    "3:pids:/user.slice/user-0.slice\n"
    "2:memory:/\n"
    "1:freezer:/\n";

inline constexpr const char* kHybridMounts =
    "29 25 0:25 / /sys/fs/cgroup rw shared:5 - tmpfs tmpfs rw,mode=755\n"
    "31 29 0:27 / /sys/fs/cgroup/memory rw shared:7 - cgroup cgroup rw,memory\n"
    "34 29 0:30 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw\n";
inline constexpr const char* kHybridGroups = "2:memory:/\n0::/\n";

inline constexpr const char* kV2Mounts =
    "28 23 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 "
    "rw,nsdelegate,memory_recursiveprot\n";
inline constexpr const char* kV2Groups =
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/shell.scope\n";

// A container without a cgroup namespace: it sees its own part of each hierarchy.
inline constexpr const char* kContainerMounts =
    "600 599 0:27 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
inline constexpr const char* kContainerGroups = "2:memory:/docker/abc/below\n";

inline constexpr const char* kNoMounts = "25 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n";

}  // namespace minidocker::cgroups::samples
