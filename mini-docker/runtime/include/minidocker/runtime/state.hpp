#pragma once
/// \file
/// What is known of a container between two commands, in ROOT/ID:
///
/// | name       | what                         | when                                        |
/// |------------|------------------------------|---------------------------------------------|
/// | state.json | what it is, where its group is | before anything of it exists              |
/// | process    | a link "PID START-TIME"      | once its process is ready                   |
/// | exec.fifo  | what that process reads from | while it waits for `start`                  |
///
/// Each is written once; state.json counts from when there is a process. The directory is made
/// before anything else of the container, and removed after everything else: whatever happens in
/// between, `delete --force` finds it.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker::runtime {

/// Where a container stands (runtime.md#state, and `paused` as runc has it).
enum class Status {
  creating,
  created,
  running,
  paused,
  stopped,
  broken,  ///< not of the specification: its state.json is none of ours
};
/// The specification's word.
[[nodiscard]] std::string_view name_of(Status status) noexcept;

/// What state.json and process hold.
struct State {
  std::string id;                ///< its name
  pid_t pid = 0;                 ///< first process; 0 while there is none
  std::uint64_t start_time = 0;  ///< of that process, /proc/PID/stat field 22
  std::string bundle;            ///< absolute path
  std::string rootfs;            ///< absolute path
  std::string created;           ///< RFC 3339, UTC
  std::string owner;             ///< name or number of who made it
  std::string cgroup;            ///< path of its group below the hierarchies
  /// Has it a PID namespace of its own? The kernel then ends all its processes with the first one.
  bool own_pids = false;
  std::map<std::string, std::string> annotations;  ///< of the spec
  std::string fault;  ///< why state.json cannot be read, and nothing else is known; else empty
  bool operator==(const State&) const = default;  ///< member by member
};

/// Throws Error(invalid_argument) unless `id` is made of letters, digits and '_', '+', '-', '.',
/// has at least one of them, and is neither "." nor "..".
void check_id(const std::string& id);

/// Owns the directory of a container that is being made, and removes it unless released.
class StateDir {
 public:
  /// Makes ROOT/ID. Throws Error(conflict) `container with given ID already exists`.
  static StateDir make(const std::string& root, const std::string& id);
  StateDir(StateDir&& other) noexcept;
  StateDir& operator=(StateDir&& other) noexcept;
  ~StateDir();

  /// Writes state.json, all of `state` but its process. Throws SystemError.
  void save(const State& state) const;
  /// Writes down who the first process is. Throws SystemError.
  void record_process(pid_t pid, std::uint64_t start_time);
  /// Makes exec.fifo and opens it for reading and writing, so that no open ever blocks.
  [[nodiscard]] UniqueFd make_fifo();
  /// Removes it now. Throws SystemError.
  void remove();
  /// The directory stays.
  void release() noexcept { path_.clear(); }

 private:
  StateDir() = default;
  std::string path_;
  pid_t maker_ = -1;
  bool has_fifo_ = false;
  bool has_process_ = false;
};

/// The state of a container; nothing if there is none of that id. A directory without a state.json
/// is a creation that was cut off: a State with pid 0. One with a state.json that is none of ours
/// is a State with a fault.
[[nodiscard]] std::optional<State> find_state(const std::string& root, const std::string& id);
/// As find_state; throws Error(not_found) `container does not exist`, Error(internal) for a fault.
[[nodiscard]] State get_state(const std::string& root, const std::string& id);
/// All ids below `root`, sorted: names of directories that can be ids; none if there is no `root`.
[[nodiscard]] std::vector<std::string> list_ids(const std::string& root);

/// Where it stands now, asked of the kernel: stopped if the process is gone, is a zombie, or is
/// another one (by its start time).
[[nodiscard]] Status status_of(const std::string& root, const State& state);
/// A pidfd of the first process; nothing if it is gone or another one has its number.
[[nodiscard]] std::optional<UniqueFd> open_process(const State& state);
/// What tells a process from another one with its number.
struct ProcessIdentity {
  std::uint64_t start_time = 0;  ///< clock ticks after boot
  bool zombie = false;           ///< ended, not reaped
  bool has_executed = true;      ///< it is another program than the one that forked it
};
/// Field 22 of /proc/PID/stat, and whether it is a zombie; nothing if there is no such process.
[[nodiscard]] std::optional<ProcessIdentity> identify_process(pid_t pid);
/// The same from the text of the file. Throws Error(invalid_argument).
[[nodiscard]] ProcessIdentity parse_stat(std::string_view text);

/// The state as `state ID` prints it (runtime.md#state; runc's key order).
[[nodiscard]] std::string to_json(const State& state, Status status);

}  // namespace minidocker::runtime
