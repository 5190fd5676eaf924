#pragma once
/// \file
/// The one way through a container's upper directory: what lies in it, and what the layers below
/// have at the same place. Lists of changes and exported layers are two views of it.
///
/// Only the directories that the upper directory has are looked at below. There the layers are
/// asked name by name, or, where there are many names, each directory is read once; so is what an
/// opaque directory hides, as that must be listed.

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace minidocker::unionfs {

/// What the layers below, stacked, show at a path.
enum class Below : std::uint8_t {
  nothing,    ///< no such name, or a whiteout ends the search
  directory,  ///< a directory
  other,      ///< anything else
};

/// What a name of the upper directory is.
enum class UpperType : std::uint8_t {
  directory,  ///< merged with what is below, unless it is opaque
  whiteout,   ///< the name is gone
  hidden,     ///< not in the upper directory: only below, where an opaque directory hides it
  other,      ///< file, link, device: it covers what is below
};

/// A name of the upper directory.
struct UpperEntry {
  std::string name;                          ///< without a slash
  UpperType type = UpperType::other;         ///< what it is
  Below below = Below::nothing;              ///< what was there before
  std::size_t below_at = 0;                  ///< which of the directories below has that
  std::unique_ptr<struct stat> before = {};  ///< its status there, if it had to be asked for
  /// Has the container made it, so that it was not there before?
  [[nodiscard]] bool is_new() const noexcept {
    return below == Below::nothing && (type == UpperType::directory || type == UpperType::other);
  }
  /// Was it there before, and is gone?
  [[nodiscard]] bool is_gone() const noexcept {
    return below != Below::nothing && (type == UpperType::whiteout || type == UpperType::hidden);
  }
};

/// A directory of the upper directory.
struct UpperDirectory {
  std::string path;                 ///< relative; empty: the top
  Below below = Below::nothing;     ///< what was there before
  bool is_opaque = false;           ///< marked: hides what is below
  bool is_hidden = false;           ///< lies in an opaque one: nothing below is merged with it
  std::vector<UpperEntry> entries;  ///< sorted by name
};

/// Whoever wants to know of it.
class UpperVisitor {
 public:
  virtual ~UpperVisitor() = default;
  /// A directory before all that is in it. `fd` is the directory, open for reading, and `below`
  /// those that are merged with it or hidden by it, the topmost first; both only until this
  /// returns.
  virtual void enter(UpperDirectory& directory, int fd, std::span<const int> below) = 0;
  /// An entry, by its index, that is no directory. Directories and leaves come in the order of
  /// names.
  virtual void leaf(const UpperDirectory& /*directory*/, std::size_t /*at*/) {}
  /// All that is in the directory entered last, and not left yet, was visited.
  virtual void leave() {}
};

/// Visits all of `upper`, the writable directory of an overlay whose other layers are `lowers`, the
/// topmost first. What vanishes meanwhile is passed over. Throws SystemError.
void walk_upper(const std::string& upper, std::span<const std::string> lowers,
                UpperVisitor& visitor);

}  // namespace minidocker::unionfs
