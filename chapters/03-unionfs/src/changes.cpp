#include "minidocker/unionfs/changes.hpp"

#include <cstddef>
#include <deque>
#include <string_view>
#include <utility>

#include "comparer.hpp"
#include "layer_paths.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "upper_walk.hpp"

namespace minidocker::unionfs {
namespace {

class Collector final : public UpperVisitor {
 public:
  void enter(UpperDirectory& directory, int fd, std::span<const int> below) override {
    if (directory.path.empty()) {
      // The top is the container's root, always there.
    } else if (directory.below == Below::nothing) {
      found_.push_back({ChangeKind::added, "/" + directory.path});
    } else {
      const bool is_told = below.empty() || is_changed(directory, fd, below.front());
      found_.push_back({ChangeKind::changed, "/" + directory.path, nullptr, is_told});
    }
    comparisons_.push_back(copied_up_in(directory));
    around_.push_back(&comparisons_.back());
    comparer_.compare(comparisons_.back(), fd, below);
  }

  void leaf(const UpperDirectory& directory, std::size_t at) override {
    const UpperEntry& entry = directory.entries[at];
    if (entry.is_gone()) {
      found_.push_back({ChangeKind::deleted, shown(directory, entry)});
    } else if (entry.type == UpperType::other) {
      const ChangeKind kind = entry.is_new() ? ChangeKind::added : ChangeKind::changed;
      found_.push_back({kind, shown(directory, entry), &around_.back()->untouched[at]});
    }
  }

  void leave() override { around_.pop_back(); }

  [[nodiscard]] std::vector<Change> take() {
    comparer_.finish();
    changes_.reserve(found_.size());
    for (Found& found : found_) {
      if (found.untouched != nullptr && *found.untouched != 0) continue;
      leave_silent_ones(found.path);
      if (found.is_told) {
        tell(found.kind, std::move(found.path));
      } else {
        silent_.push_back(std::move(found.path));
      }
    }
    return std::move(changes_);
  }

 private:
  struct Found {
    ChangeKind kind;
    std::string path;
    const char* untouched = nullptr;  // the answer to come; null where nothing is asked
    bool is_told = true;              // or, of a directory, only if anything in it is
  };

  static std::string shown(const UpperDirectory& directory, const UpperEntry& entry) {
    std::string path;
    path.reserve(directory.path.size() + entry.name.size() + 2);
    if (!directory.path.empty()) path.append("/").append(directory.path);
    return path.append("/").append(entry.name);
  }

  static bool is_changed(const UpperDirectory& directory, int fd, int below) {
    const std::string& what = directory.path;
    return !is_same_status(sys::fstat(fd).or_throw(what), sys::fstat(below).or_throw(what));
  }

  static Comparison copied_up_in(UpperDirectory& directory) {
    Comparison comparison{.names = {}, .untouched = std::vector<char>(directory.entries.size())};
    for (std::size_t at = 0; at < directory.entries.size(); ++at) {
      UpperEntry& entry = directory.entries[at];
      if (entry.type != UpperType::other || entry.below != Below::other) continue;
      comparison.names.push_back({at, entry.name, entry.below_at, std::move(entry.before)});
    }
    return comparison;
  }

  // Those around `path` stay.
  void leave_silent_ones(std::string_view path) {
    const auto is_around = [path](const std::string& directory) {
      return path.starts_with(directory) && path.substr(directory.size()).starts_with('/');
    };
    while (!silent_.empty() && !is_around(silent_.back())) silent_.pop_back();
  }

  void tell(ChangeKind kind, std::string path) {
    for (std::string& around : silent_) {
      changes_.push_back({ChangeKind::changed, std::move(around)});
    }
    silent_.clear();
    changes_.push_back({kind, std::move(path)});
  }

  std::deque<Found> found_;
  std::deque<Comparison> comparisons_;  // one a directory; they stay where they are
  std::vector<Comparison*> around_;     // those of the directories on the way here
  std::vector<Change> changes_;
  std::vector<std::string> silent_;  // directories on the way here that are not told yet
  Comparer comparer_;                // last: its threads write into the comparisons
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
