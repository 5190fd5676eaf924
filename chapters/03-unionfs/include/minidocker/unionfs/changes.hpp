#pragma once
/// \file
/// What a container has changed of its image, read from its upper directory: the answer of
/// `docker diff`.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace minidocker::unionfs {

/// How a path differs; the numbers are those of the Docker Engine API (`GET
/// /containers/ID/changes`).
enum class ChangeKind : std::uint8_t {
  changed = 0,  ///< there before and now, but not the same
  added = 1,    ///< not there before
  deleted = 2,  ///< not there any more, with all that was in it
};

/// The letter docker's client prints: C, A or D.
[[nodiscard]] char letter_of(ChangeKind kind) noexcept;

/// One path that differs.
struct Change {
  ChangeKind kind = ChangeKind::changed;           ///< how
  std::string path;                                ///< absolute, as the container sees it
  bool operator==(const Change&) const = default;  ///< member by member
};

/// What `upper`, the writable directory of an overlay mounted with `userxattr`, changes of the
/// layers `lowers` below it, the topmost first; all are absolute paths. Directories come before
/// what is in them, names in the order of their bytes.
///
/// What counts as a change is docker's rule (moby, pkg/archive, `ChangesDirs`), though docker reads
/// both trees whole for it:
///
/// - A file is changed if its type, mode, owner, device number, size, modification time or
///   capabilities differ; its content is not compared. One that was copied up and is as before, is
///   not changed. A time without a fraction of a second is the same as one with any.
/// - A directory is changed if its mode or owner differs, or if anything in it is told.
/// - A directory that was removed and made again is the same one: what it had before and has not
///   any more is deleted, name by name.
///
/// The overlay may be mounted, and written to meanwhile; then the list is of no single moment.
/// Throws SystemError.
[[nodiscard]] std::vector<Change> find_changes(const std::string& upper,
                                               std::span<const std::string> lowers);

}  // namespace minidocker::unionfs
