#pragma once
/// \file
/// /proc/PID/mountinfo as values (proc_pid_mountinfo(5)).

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker {

/// One line of mountinfo, with the octal escapes undone.
struct MountEntry {
  int id = 0;                         ///< mount id
  int parent = 0;                     ///< id of the mount it hangs on
  unsigned major = 0;                 ///< of the filesystem's device
  unsigned minor = 0;                 ///< of the filesystem's device
  std::string root;                   ///< what of the filesystem is mounted here
  std::string target;                 ///< where, seen from the process's root
  std::vector<std::string> options;   ///< of the mount: "ro", "nosuid", ...
  std::vector<std::string> optional;  ///< "shared:1", "master:2", "unbindable"
  std::string type;                   ///< "ext4", "overlay", ...
  std::string source;                 ///< device or what mount(2) was given
  std::string super_options;          ///< of the superblock, comma separated

  /// Is `option` among the mount's options?
  [[nodiscard]] bool has_option(std::string_view option) const;
  /// Does it share mounts with a peer group?
  [[nodiscard]] bool is_shared() const;
};

/// Parses the file's text; lines it cannot understand are an invalid_argument Error naming them.
[[nodiscard]] std::vector<MountEntry> parse_mountinfo(std::string_view text);
/// The mounts of a process; 0 means ourselves. Throws SystemError.
[[nodiscard]] std::vector<MountEntry> read_mountinfo(pid_t pid = 0);
/// The entry that holds `path` (absolute, without links): the longest target that is a prefix;
/// the last one where several lie on one another. Null if there is none.
[[nodiscard]] const MountEntry* find_mount(const std::vector<MountEntry>& mounts,
                                           std::string_view path);

}  // namespace minidocker
