#include "minidocker/unionfs/changes.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "layer_paths.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "upper_walk.hpp"
#include "xattrs.hpp"

namespace minidocker::unionfs {
namespace {

// A layer that came out of an archive may have lost what is below a second.
bool is_same_time(const struct timespec& a, const struct timespec& b) noexcept {
  return a.tv_sec == b.tv_sec && (a.tv_nsec == b.tv_nsec || a.tv_nsec == 0 || b.tv_nsec == 0);
}

// Of a directory the size says nothing, and the time only that a name in it came or went, which is
// told anyway.
bool is_same_status(const struct stat& a, const struct stat& b) noexcept {
  if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid ||
      a.st_rdev != b.st_rdev) {
    return false;
  }
  return S_ISDIR(a.st_mode) || (a.st_size == b.st_size && is_same_time(a.st_mtim, b.st_mtim));
}

std::string capability_of(int dir, const std::string& name) {
  Xattrs xattrs = read_xattrs(dir, name.c_str(), name);
  return std::move(xattrs["security.capability"]);
}

// Copied up, and yet what it was before?
bool is_untouched(const UpperEntry& entry, int fd, std::span<const int> below) {
  if (entry.type != UpperType::other || entry.below != Below::other) return false;
  const int lower = below[entry.below_at];
  const char* name = entry.name.c_str();
  sys::Result<struct stat> found = sys::fstatat(fd, name, AT_SYMLINK_NOFOLLOW);
  if (found.error() == ENOENT) return true;  // gone meanwhile
  const struct stat now = std::move(found).or_throw(quoted(entry.name));
  const struct stat before =
      entry.before ? *entry.before
                   : sys::fstatat(lower, name, AT_SYMLINK_NOFOLLOW).or_throw(quoted(entry.name));
  if (!is_same_status(now, before)) return false;
  return !S_ISREG(now.st_mode) || capability_of(fd, entry.name) == capability_of(lower, entry.name);
}

class Collector final : public UpperVisitor {
 public:
  void enter(UpperDirectory& directory, int fd, std::span<const int> below) override {
    if (directory.path.empty()) {
      // The top is the container's root, always there.
    } else if (directory.below == Below::nothing) {
      add(ChangeKind::added, directory.path);
    } else if (below.empty() || is_changed(directory, fd, below.front())) {
      add(ChangeKind::changed, directory.path);
    } else {
      leave_silent_ones(directory.path);
      silent_.push_back(directory.path);
    }
    std::erase_if(directory.entries,
                  [&](const UpperEntry& entry) { return is_untouched(entry, fd, below); });
  }

  void leaf(const UpperDirectory& directory, const UpperEntry& entry) override {
    if (entry.is_gone()) {
      add(ChangeKind::deleted, joined(directory.path, entry.name));
    } else if (entry.type == UpperType::other) {
      add(entry.is_new() ? ChangeKind::added : ChangeKind::changed,
          joined(directory.path, entry.name));
    }
  }

  [[nodiscard]] std::vector<Change> take() { return std::move(changes_); }

 private:
  static bool is_changed(const UpperDirectory& directory, int fd, int below) {
    const std::string& what = directory.path;
    return !is_same_status(sys::fstat(fd).or_throw(what), sys::fstat(below).or_throw(what));
  }

  // Those around `path` stay.
  void leave_silent_ones(std::string_view path) {
    const auto is_around = [path](const std::string& directory) {
      return path.starts_with(directory) && path.substr(directory.size()).starts_with('/');
    };
    while (!silent_.empty() && !is_around(silent_.back())) silent_.pop_back();
  }

  void add(ChangeKind kind, const std::string& path) {
    leave_silent_ones(path);
    for (const std::string& around : silent_) {
      changes_.push_back({ChangeKind::changed, "/" + around});
    }
    silent_.clear();
    changes_.push_back({kind, "/" + path});
  }

  std::vector<Change> changes_;
  std::vector<std::string> silent_;  // directories on the way here that are not told yet
};

}  // namespace

char letter_of(ChangeKind kind) noexcept {
  switch (kind) {
    case ChangeKind::changed:
      return 'C';
    case ChangeKind::added:
      return 'A';
    case ChangeKind::deleted:
      break;
  }
  return 'D';
}

std::vector<Change> find_changes(const std::string& upper, std::span<const std::string> lowers) {
  Collector collector;
  walk_upper(upper, lowers, collector);
  return collector.take();
}

}  // namespace minidocker::unionfs
