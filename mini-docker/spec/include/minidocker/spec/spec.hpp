#pragma once
/// \file
/// A container as the OCI runtime specification describes it, as plain C++ values. Member names
/// are the specification's in our spelling; what is absent in JSON is an empty string, an empty
/// vector or no value. Parts of the specification that are not supported yet have no member here:
/// parse() refuses them by name. Source: opencontainers/runtime-spec 1.0.2 to 1.3, config.md and
/// config-linux.md.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/spec/resources.hpp"

namespace minidocker::spec {

/// The version of the specification that we write (config.md#specification-version).
inline constexpr std::string_view kOciVersion = "1.2.0";

/// The container's root filesystem (config.md#root).
struct Root {
  std::string path;       ///< a directory; relative paths start at the bundle
  bool readonly = false;  ///< must the container not write to it?
  bool operator==(const Root&) const = default;  ///< member by member
};

/// A range of ids (user_namespaces(7)).
struct IdMapping {
  std::uint32_t container_id = 0;                     ///< first id inside; on disk, for a mount
  std::uint32_t host_id = 0;                          ///< first id outside; as seen, for a mount
  std::uint32_t size = 0;                             ///< how many
  bool operator==(const IdMapping&) const = default;  ///< member by member
};

/// Something to mount, in the order of the list (config.md#mounts).
struct Mount {
  std::string destination;           ///< where, seen from the container
  std::string type;                  ///< a filesystem's name; of no meaning for binds
  std::string source;                ///< device, name or path; relative paths start at the bundle
  std::vector<std::string> options;  ///< as mount(8) takes them; see parse_mount_options()
  std::vector<IdMapping> uid_mappings = {};  ///< of a bind: which owners on disk are seen as whom
  std::vector<IdMapping> gid_mappings = {};  ///< likewise; both or neither
  bool operator==(const Mount&) const = default;  ///< member by member
};

/// Size of a terminal in characters (config.md#process).
struct ConsoleSize {
  std::uint16_t height = 0;                             ///< rows
  std::uint16_t width = 0;                              ///< columns
  bool operator==(const ConsoleSize&) const = default;  ///< member by member
};

/// Who the program is (config.md#posix-platform-user). All ids are the container's. There is no
/// name: the specification has `username` for Windows only, and a runtime that honoured it would
/// give a bundle other ids than its `uid` says.
struct User {
  std::uint32_t uid = 0;                         ///< user id
  std::uint32_t gid = 0;                         ///< group id
  std::optional<std::uint32_t> umask;            ///< absent: 0022
  std::vector<std::uint32_t> additional_gids;    ///< supplementary groups
  bool operator==(const User&) const = default;  ///< member by member
};

/// The five sets of capabilities (capabilities(7)), as names: "CAP_KILL". An absent set is empty.
struct Capabilities {
  std::vector<std::string> bounding;                     ///< what no exec can regain
  std::vector<std::string> effective;                    ///< what the kernel checks
  std::vector<std::string> inheritable;                  ///< what file capabilities may pick up
  std::vector<std::string> permitted;                    ///< what the process may make effective
  std::vector<std::string> ambient;                      ///< what an ordinary program keeps
  bool operator==(const Capabilities&) const = default;  ///< member by member
};

/// A resource limit (getrlimit(2)).
struct Rlimit {
  std::string type;                                ///< "RLIMIT_NOFILE"
  std::uint64_t hard = 0;                          ///< ceiling; RLIM_INFINITY is 2^64-1
  std::uint64_t soft = 0;                          ///< what holds now
  bool operator==(const Rlimit&) const = default;  ///< member by member
};

/// The program (config.md#process).
struct Process {
  bool terminal = false;                     ///< give it a pseudo terminal?
  std::optional<ConsoleSize> console_size;   ///< the terminal's size at the start
  User user;                                 ///< who it is
  std::vector<std::string> args;             ///< argv; args[0] is looked up along its own PATH
  std::vector<std::string> env;              ///< `NAME=value`
  std::string cwd;                           ///< absolute; made if missing
  std::optional<Capabilities> capabilities;  ///< absent: none at all, as runc and crun do
  std::vector<Rlimit> rlimits;               ///< each type at most once
  bool no_new_privileges = false;            ///< prctl(PR_SET_NO_NEW_PRIVS)?
  std::optional<int> oom_score_adj;          ///< -1000 to 1000; absent: inherited
  bool operator==(const Process&) const = default;  ///< member by member
};

/// The kinds of namespaces(7).
enum class NamespaceType { pid, network, ipc, mount, uts, user, cgroup, time };

/// A namespace to make or to join (config-linux.md#namespaces).
struct Namespace {
  NamespaceType type = NamespaceType::pid;  ///< its kind
  std::string path;                         ///< absolute path of one to join; empty: a new one
  bool operator==(const Namespace&) const = default;  ///< member by member
};

/// A device node to make (config-linux.md#devices).
struct Device {
  char type = 'c';                                 ///< 'c', 'b', 'u' (as 'c') or 'p' (a FIFO)
  std::string path;                                ///< absolute, in the container
  std::uint32_t major = 0;                         ///< unless 'p'
  std::uint32_t minor = 0;                         ///< unless 'p'
  std::optional<std::uint32_t> file_mode;          ///< permission bits; absent: 0666
  std::uint32_t uid = 0;                           ///< owner in the container
  std::uint32_t gid = 0;                           ///< group in the container
  bool operator==(const Device&) const = default;  ///< member by member
};

/// A shift of a clock in a new time namespace (time_namespaces(7)).
struct TimeOffset {
  std::int64_t secs = 0;                               ///< seconds
  std::uint32_t nanosecs = 0;                          ///< below 1000000000
  bool operator==(const TimeOffset&) const = default;  ///< member by member
};

/// What only Linux has (config-linux.md).
struct Linux {
  std::vector<IdMapping> uid_mappings;      ///< for a new user namespace
  std::vector<IdMapping> gid_mappings;      ///< for a new user namespace
  std::vector<Namespace> namespaces;        ///< each type at most once; absent: inherited
  std::vector<Device> devices;              ///< besides the default ones
  std::string cgroups_path;                 ///< empty: the runtime's choice
  Resources resources;                      ///< limits
  std::string rootfs_propagation;           ///< "private", "rslave", ...; empty: "rslave"
  std::vector<std::string> masked_paths;    ///< absolute; not readable in the container
  std::vector<std::string> readonly_paths;  ///< absolute; not writable in the container
  std::optional<TimeOffset> monotonic;      ///< timeOffsets.monotonic
  std::optional<TimeOffset> boottime;       ///< timeOffsets.boottime

  /// The namespace of this type, null if it is inherited.
  [[nodiscard]] const Namespace* find(NamespaceType type) const noexcept;
  /// Is a namespace of this type to be made (rather than joined or inherited)?
  [[nodiscard]] bool makes(NamespaceType type) const noexcept;
  bool operator==(const Linux&) const = default;  ///< member by member
};

/// A whole config.json.
struct Spec {
  std::string oci_version;                         ///< "1.x.y"
  Root root;                                       ///< the root filesystem
  std::vector<Mount> mounts;                       ///< in order
  Process process;                                 ///< the program
  std::string hostname;                            ///< empty: unchanged
  std::string domainname;                          ///< empty: unchanged (NIS domain)
  Linux linux_;                                    ///< (`linux` is a macro of GNU dialects)
  std::map<std::string, std::string> annotations;  ///< for others; kept and shown in the state
  bool operator==(const Spec&) const = default;    ///< member by member
};

/// The specification's name of a type: "pid", "network", "ipc", "mount", "uts", "user", "cgroup",
/// "time".
[[nodiscard]] std::string_view name_of(NamespaceType type) noexcept;
/// The type of this name; nothing if there is none.
[[nodiscard]] std::optional<NamespaceType> find_namespace_type(std::string_view name) noexcept;

}  // namespace minidocker::spec
