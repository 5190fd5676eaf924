#pragma once
/// \file
/// All of a tree of files, read by plain POSIX calls: what tests compare.

#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

namespace minidocker::unionfs::testing {

/// A file, as whoever looks sees it.
struct Node {
  struct stat status{};                       ///< lstat(2)
  std::string content;                        ///< a file's bytes, a symlink's target
  std::map<std::string, std::string> xattrs;  ///< all that are shown
  [[nodiscard]] bool is_dir() const { return S_ISDIR(status.st_mode); }  ///< is it a directory?
};

/// Paths relative to the top ("" is the top) to what is there.
using Snapshot = std::map<std::string, Node>;

/// Reads all of `dir`.
[[nodiscard]] Snapshot snapshot(const std::string& dir);

/// Everything that must survive a journey of a layer, a line a path: type, mode, owner, size,
/// times, device, content, attributes, and which names are links to the same file.
[[nodiscard]] std::vector<std::string> lines_of(const Snapshot& tree);

/// `docker diff` by comparing all of two trees: "A /path", "C /path", "D /path", sorted.
[[nodiscard]] std::vector<std::string> full_comparison(const Snapshot& before,
                                                       const Snapshot& after);

}  // namespace minidocker::unionfs::testing
