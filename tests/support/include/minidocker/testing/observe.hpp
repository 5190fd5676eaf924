#pragma once
/// \file
/// What the kernel says of a process, read from outside, without the code under test.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace minidocker::testing {

/// The whole file; throws std::runtime_error naming it if it cannot be read.
[[nodiscard]] std::string read_text(const std::string& path);
/// The whole file; nothing if it cannot be read.
[[nodiscard]] std::optional<std::string> find_text(const std::string& path);
/// Writes a file, made if need be; throws std::runtime_error.
void write_text(const std::string& path, std::string_view text);
/// A text's lines without their ends.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);
/// Where a link leads; throws std::runtime_error.
[[nodiscard]] std::string link_target(const std::string& path);
/// All paths below `dir`, relative to it and sorted, links not followed. Empty if it is not there.
[[nodiscard]] std::vector<std::string> files_below(const std::string& dir);

/// The inode of a namespace of `pid`; `name` as in /proc/PID/ns. Two processes share a namespace
/// if and only if the inodes are equal.
[[nodiscard]] ino_t namespace_inode(pid_t pid, const std::string& name);
/// A field of /proc/PID/status without blanks around it, e.g. "Seccomp", "Groups", "State".
[[nodiscard]] std::string status_field(pid_t pid, const std::string& field);
/// The process's ids from the outermost PID namespace to its own (NSpid).
[[nodiscard]] std::vector<pid_t> pids_in_namespaces(pid_t pid);
/// A capability set, e.g. "CapEff".
[[nodiscard]] std::uint64_t capabilities(pid_t pid, const std::string& field);
/// Soft and hard limit as printed in /proc/PID/limits, e.g. {"1024", "4096"} for "Max open files".
[[nodiscard]] std::vector<std::string> limit_of(pid_t pid, const std::string& name);
/// The lines of /proc/PID/mountinfo.
[[nodiscard]] std::vector<std::string> mounts_of(pid_t pid);
/// Mount points of `pid` as its root sees them, in the order of mounting.
[[nodiscard]] std::vector<std::string> mount_points_of(pid_t pid);
/// Where `pid` is: controller ("" for v2, "name=systemd", "memory") to path.
[[nodiscard]] std::map<std::string, std::string> cgroups_of(pid_t pid);
/// Open descriptors of `pid` and where /proc says they lead.
[[nodiscard]] std::map<int, std::string> open_fds(pid_t pid);
/// Is descriptor `fd` of `pid` close-on-exec (fdinfo)?
[[nodiscard]] bool is_close_on_exec(pid_t pid, int fd);
/// The command line of `pid`, one string an argument.
[[nodiscard]] std::vector<std::string> command_line(pid_t pid);

/// Parent of `pid`; 0 if there is no such process.
[[nodiscard]] pid_t parent_of(pid_t pid);
/// State letter of `pid` (R, S, D, Z, T, ...); '-' if there is no such process.
[[nodiscard]] char state_of(pid_t pid);
/// All descendants of `pid` by parenthood.
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t pid);
/// Waits until `pid` is dead (or reaped); false if the limit passed before.
bool wait_for_end(pid_t pid, std::chrono::milliseconds limit);

}  // namespace minidocker::testing
