#pragma once
/// \file
/// What a caller asks of a new container: `docker run`'s flags as values. Absent means the image's
/// or docker's default.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "minidocker/engine/limits.hpp"

namespace minidocker::engine {

/// What is mounted.
enum class MountType {
  bind,   ///< a file or directory of the host
  tmpfs,  ///< an empty filesystem in memory
};

/// What happens when the source of a bind does not exist.
enum class MissingSource {
  refuse,            ///< `--mount`: an error
  create_directory,  ///< `-v`: an empty directory is made, as docker does
};

/// One of `-v`, `--mount`, `--tmpfs`.
struct MountRequest {
  MountType type = MountType::bind;                      ///< what is mounted
  std::string source;                                    ///< bind: absolute path on the host
  std::string target;                                    ///< absolute path in the container
  bool read_only = false;                                ///< may the container not write?
  MissingSource missing_source = MissingSource::refuse;  ///< for binds
  bool recursive = true;                                 ///< bind what is mounted below, too?
  std::string propagation = "rprivate";                  ///< binds: mount(2)'s propagation
  std::vector<std::string> options;                      ///< tmpfs: `size=1m`, `mode=1777`, `exec`
  bool operator==(const MountRequest&) const = default;  ///< member by member
};

/// `--ulimit NAME=SOFT[:HARD]`.
struct Ulimit {
  std::string name;                                ///< "nofile"
  std::uint64_t soft = 0;                          ///< what holds now; 2^64-1 is unlimited
  std::uint64_t hard = 0;                          ///< ceiling
  bool operator==(const Ulimit&) const = default;  ///< member by member
};

/// Whether the container has a namespace of its own of one kind, or uses the host's.
enum class NamespaceMode {
  own,   ///< a new one
  host,  ///< the host's
};

/// How `--ipc` provides shared memory.
enum class IpcMode {
  own,   ///< "private", "shareable": a namespace of its own and 64 MiB on /dev/shm
  none,  ///< a namespace of its own, no /dev/shm
  host,  ///< the host's namespace, /dev/shm and /dev/mqueue
};

/// A new container.
struct CreateRequest {
  std::string image;                                   ///< `name[:tag]`, digest or id
  std::vector<std::string> command;                    ///< replaces the image's Cmd
  std::optional<std::vector<std::string>> entrypoint;  ///< replaces Entrypoint *and* Cmd
  std::optional<std::string> name;                     ///< else one is made up
  std::optional<std::string> hostname;                 ///< else the short id
  std::optional<std::string> user;                     ///< `USER[:GROUP]`, names or ids
  std::optional<std::string> working_dir;              ///< absolute
  std::vector<std::string> env;                        ///< `NAME=value`; `NAME` removes

  bool terminal = false;           ///< -t
  bool interactive = false;        ///< -i: stdin is the caller's rather than empty
  bool auto_remove = false;        ///< --rm
  bool read_only = false;          ///< --read-only
  bool privileged = false;         ///< --privileged
  bool init = false;               ///< --init: a small pid 1 that reaps and forwards signals
  bool no_new_privileges = false;  ///< --security-opt no-new-privileges

  std::vector<MountRequest> mounts;       ///< -v, --mount, --tmpfs
  LimitsRequest limits;                   ///< see limits.hpp
  std::optional<int> oom_score_adj;       ///< --oom-score-adj, -1000 to 1000
  std::vector<DeviceRequest> devices;     ///< --device
  std::vector<std::string> device_rules;  ///< --device-cgroup-rule: "c 1:3 rwm"
  std::vector<Ulimit> ulimits;            ///< --ulimit
  std::vector<std::string> cap_add;       ///< --cap-add; "ALL" is all
  std::vector<std::string> cap_drop;      ///< --cap-drop; "ALL" is all

  NamespaceMode pid = NamespaceMode::own;      ///< --pid
  IpcMode ipc = IpcMode::own;                  ///< --ipc
  NamespaceMode uts = NamespaceMode::own;      ///< --uts
  NamespaceMode network = NamespaceMode::own;  ///< --network; own: only `lo` so far
  std::string runtime;  ///< empty: built in; else the name or path of an OCI runtime
  /// Who makes its cgroup: "cgroupfs" (the runtime) or "systemd"; empty: whoever owns the tree.
  std::string cgroup_driver;
};

}  // namespace minidocker::engine
