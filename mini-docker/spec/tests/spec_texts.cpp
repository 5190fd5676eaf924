#include "spec_texts.hpp"

#include "minidocker/toolbox/error.hpp"

namespace minidocker::spec {

const std::string_view kEverything = R"({
  "ociVersion": "1.2.1",
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "web",
  "domainname": "example.org",
  "annotations": {"org.example/a": "1"},
  "mounts": [{"destination": "/data", "type": "none", "source": "/srv",
              "options": ["rbind", "ro"]}],
  "process": {
    "terminal": true,
    "consoleSize": {"height": 24, "width": 80},
    "user": {"uid": 1, "gid": 2, "umask": 63, "additionalGids": [5, 6]},
    "args": ["echo", "a b"],
    "env": ["A=b"],
    "cwd": "/tmp",
    "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_CHOWN"],
      "inheritable": ["CAP_FOWNER"], "permitted": ["CAP_SETUID"], "ambient": ["CAP_BPF"]},
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 18446744073709551615, "soft": 10}],
    "noNewPrivileges": true,
    "oomScoreAdj": -5
  },
  "linux": {
    "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}],
    "gidMappings": [{"containerID": 1, "hostID": 4294967294, "size": 3}],
    "namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"},
                   {"type": "time"}],
    "devices": [{"type": "b", "path": "/dev/x", "major": 7, "minor": 8, "fileMode": 432,
                 "uid": 1, "gid": 2},
                {"type": "p", "path": "/dev/fifo"}],
    "cgroupsPath": "/a/b",
    "resources": {
      "devices": [{"allow": false, "access": "rwm"},
                  {"allow": true, "type": "c", "major": 10, "access": "r"},
                  {"allow": true, "type": "b", "minor": 3}],
      "memory": {"limit": 4096, "reservation": 2048, "swap": -1, "kernelTCP": -1, "swappiness": 0,
                 "disableOOMKiller": true, "checkBeforeUpdate": true},
      "cpu": {"shares": 512, "quota": -1, "period": 100000, "burst": 7, "realtimeRuntime": 8,
              "realtimePeriod": 9, "cpus": "0-1,3", "mems": "0", "idle": 1},
      "pids": {"limit": 0},
      "blockIO": {"weight": 10,
        "weightDevice": [{"major": 8, "minor": 1, "weight": 1000, "leafWeight": 0}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 2, "rate": 1}],
        "throttleWriteBpsDevice": [{"major": 8, "minor": 3, "rate": 2}],
        "throttleReadIOPSDevice": [{"major": 8, "minor": 4, "rate": 3}],
        "throttleWriteIOPSDevice": [{"major": 8, "minor": 5, "rate": 4}]},
      "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}, {"pageSize": "1GB", "limit": 0}],
      "rdma": {"mlx5_1": {"hcaHandles": 3}, "ocrdma1": {"hcaObjects": 0}},
      "unified": {"memory.high": "max", "io.max": "8:0 rbps=1"}
    },
    "rootfsPropagation": "rslave",
    "maskedPaths": ["/proc/kcore"],
    "readonlyPaths": ["/proc/sys"],
    "timeOffsets": {"monotonic": {"secs": -3, "nanosecs": 4}, "boottime": {"secs": 5}}
  }
})";

std::string with(std::string_view fragment) {
  // Of a member that is there twice the later one holds.
  std::string text(kSmallest.substr(0, kSmallest.rfind('}')));
  text += ", ";
  text += fragment;
  return text + "}";
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace minidocker::spec
