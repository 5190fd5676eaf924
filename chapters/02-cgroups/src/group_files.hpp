#pragma once
/// \file
/// What both drivers do with a group's files.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/cgroups/driver.hpp"
#include "minidocker/cgroups/location.hpp"
#include "minidocker/toolbox/result.hpp"

namespace minidocker::cgroups {

/// Is `word` among the words of `text`, separated by blanks and newlines?
[[nodiscard]] bool holds_word(std::string_view text, std::string_view word);

/// The text of a control file, by a single read(2) where a page suffices; nothing if there is no
/// such file.
[[nodiscard]] std::optional<std::string> read_control(const std::string& path);

/// Names of a directory's entries of `type` (DT_DIR, DT_REG) without "." and ".."; none if it is
/// gone.
[[nodiscard]] std::vector<std::string> names_in(const std::string& path, unsigned char type);
/// Names of the groups directly below the one at `path`; none if it is gone.
[[nodiscard]] std::vector<std::string> subgroups(const std::string& path);

/// Processes in the group at `path` and below, as its cgroup.procs files tell; none if it is gone.
[[nodiscard]] std::vector<pid_t> processes_in(const std::string& path);

/// The pids of a cgroup.procs, or of any file with one number a line.
[[nodiscard]] std::vector<pid_t> parse_pids(std::string_view text);

/// `7, 8, 9, ...` for an error.
[[nodiscard]] std::string pids_in_words(const std::vector<pid_t>& pids);

/// The directories above that of a group, from the mount's own on: /m, /m/a, /m/a/b for /a/b/c.
[[nodiscard]] std::vector<std::string> ancestors(const Directory& directory);

/// Milliseconds left until `deadline`, at least 0, for poll(2).
[[nodiscard]] int milliseconds_until(Deadline deadline);

/// Was the group at `path` made by this mkdir(2)? False if it was there. Throws SystemError with a
/// hint.
[[nodiscard]] bool was_made(sys::Result<> mkdir, const std::string& path);

/// Moves process `pid` into the group. Throws SystemError with a hint.
void attach_to(const Directory& directory, pid_t pid);

/// `directory` could not be emptied in time. Throws Error(unavailable).
[[noreturn]] void give_up_killing(const Directory& directory);

/// Not all in `directory` stood still in time. Throws Error(unavailable).
[[noreturn]] void give_up_freezing(const Directory& directory);
/// `directory` did not thaw. Throws Error(conflict).
[[noreturn]] void give_up_thawing(const Directory& directory);

/// Throws Error(conflict) if the group that was there already has processes.
void require_empty(const Directory& directory);

/// What an errno of cgroup.subtree_control means: ", as ..."; empty for one that speaks for itself.
[[nodiscard]] std::string why_not_handed_down(int error);

}  // namespace minidocker::cgroups
