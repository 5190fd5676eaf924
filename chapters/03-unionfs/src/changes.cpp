#include "minidocker/unionfs/changes.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "layer_paths.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "upper_walk.hpp"
#include "xattrs.hpp"

namespace minidocker::unionfs {
namespace {

bool is_same_metadata(const struct stat& a, const struct stat& b) noexcept {
  return a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_gid == b.st_gid &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

class Collector final : public UpperVisitor {
 public:
  void enter(const UpperDirectory& directory, int fd, int below_fd) override {
    if (directory.path.empty()) return;  // the top is the container's root, always there
    if (directory.below == Below::nothing) {
      add(ChangeKind::added, directory.path);
    } else if (is_changed(directory, fd, below_fd)) {
      add(ChangeKind::changed, directory.path);
    }
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
  static bool is_changed(const UpperDirectory& directory, int fd, int below_fd) {
    if (below_fd < 0) return true;  // it was no directory before
    const auto differs = [](const UpperEntry& e) { return e.is_new() || e.is_gone(); };
    if (std::ranges::any_of(directory.entries, differs)) return true;
    const std::string& what = directory.path;
    return !is_same_metadata(sys::fstat(fd).or_throw(what), sys::fstat(below_fd).or_throw(what)) ||
           read_xattrs(fd, nullptr, what) != read_xattrs(below_fd, nullptr, what);
  }

  void add(ChangeKind kind, std::string_view path) {
    std::string absolute;
    absolute.reserve(path.size() + 1);
    absolute += '/';
    absolute += path;
    changes_.push_back({kind, std::move(absolute)});
  }

  std::vector<Change> changes_;
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
