#pragma once
/// \file
/// Whole files: control files of proc and cgroups, atomically replaced files, directories.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "minidocker/toolbox/result.hpp"

namespace minidocker {

/// The whole file, read to its end. Throws SystemError.
[[nodiscard]] std::string read_file(const std::string& path);
/// Like read_file, for a file that should be a regular one: read(2) gives all there is of such a
/// file, so that less than there is room for is the end, and nobody has to ask again. Of anything
/// else, a FIFO for instance, it may be a part.
[[nodiscard]] std::string read_regular_file(const std::string& path);
/// Like read_file, from an open descriptor's present position.
[[nodiscard]] std::string read_all(int fd, std::string_view object);
/// Like read_file; nothing if there is no such file (ENOENT, ENOTDIR), or if it was one of
/// /proc/PID and the process has ended before it was read (ESRCH).
[[nodiscard]] std::optional<std::string> find_file(const std::string& path);

/// Writes `text` to a control file with exactly one write(2): the kernel parses each write alone.
/// The file must exist. Throws SystemError naming path and text.
void write_control(const std::string& path, std::string_view text);
/// The same for child code: no allocation, no exception.
sys::Result<> write_control_at(int dirfd, const char* path, std::string_view text) noexcept;

/// Writes all of `data`, however many calls it takes. Throws SystemError.
void write_all(int fd, std::string_view data, std::string_view object);

/// Whether a file must survive a power cut once the call has returned.
enum class Durability {
  none,    ///< atomic towards other processes only
  synced,  ///< fsync of the file before the rename and of the directory after it
};
/// Replaces `path` as a whole: a temporary name in the same directory, then rename. Readers see
/// the old or the new content, never a part; nothing is left when it fails. Throws SystemError.
void write_atomically(const std::string& path, std::string_view content, mode_t mode = 0644,
                      Durability durability = Durability::none);

/// mkdir -p: makes `path` and its parents (mode 0755; the last one `mode`). Existing is fine.
void make_dirs(const std::string& path, mode_t mode = 0755);
/// Does it exist? Follows links.
[[nodiscard]] bool exists(const std::string& path);
/// Names in a directory without "." and "..", sorted. Throws SystemError.
[[nodiscard]] std::vector<std::string> list_dir(const std::string& path);
/// rm -rf: never follows links, never leaves the filesystem it starts on, makes unreadable
/// directories of ours removable. Not existing is fine, and so is somebody else removing the same.
/// Throws SystemError.
void remove_tree(const std::string& path);

}  // namespace minidocker
