#include "upper_walk.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "layer_paths.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/unionfs/whiteout.hpp"

namespace minidocker::unionfs {
namespace {

using Layers = std::vector<std::uint32_t>;  // indices, the topmost first

/// A directory of a layer.
struct LowerDir {
  UniqueFd fd;
  std::optional<std::vector<NamedType>> names;  // sorted; nothing: ask for each
};

/// The same directory in each layer that adds to what is seen there, the topmost first.
struct LowerDirs {
  Layers layers;
  std::vector<LowerDir> dirs;

  [[nodiscard]] std::vector<int> fds() const {
    std::vector<int> all;
    for (const LowerDir& dir : dirs) all.push_back(dir.fd.get());
    return all;
  }
};

// To read a directory is worth more than one question, but it may be a thousand times larger than
// what there is to ask.
constexpr std::size_t kWorthReading = 8;
constexpr std::size_t kMostNamesForOne = 16;

bool comes_before(const NamedType& a, const NamedType& b) noexcept { return a.name < b.name; }

UniqueFd open_layer(const std::string& path) {
  return sys::open(path.c_str(), O_PATH | O_DIRECTORY).or_throw(quoted(path));
}

class Walker {
 public:
  Walker(const std::string& upper, std::span<const std::string> lowers, UpperVisitor& visitor)
      : name_(upper), upper_(open_layer(upper)), visitor_(visitor) {
    for (const std::string& lower : lowers) lowers_.push_back(open_layer(lower));
  }

  void walk() {
    Layers all(lowers_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint32_t>(i);
    UpperDirectory top;
    top.below = all.empty() ? Below::nothing : Below::directory;
    enter(std::move(top), all);
    while (!frames_.empty()) step();
  }

 private:
  // A directory whose entries are being visited. No descriptor is held: a tree may be deeper than
  // there are descriptors.
  struct Frame {
    UpperDirectory directory;
    Layers layers;
    std::size_t next = 0;
  };

  void step() {
    Frame& frame = frames_.back();
    if (frame.next == frame.directory.entries.size()) {
      frames_.pop_back();
      return visitor_.leave();
    }
    const std::size_t at = frame.next++;
    const UpperEntry& entry = frame.directory.entries[at];
    if (entry.type != UpperType::directory) return visitor_.leaf(frame.directory, at);
    UpperDirectory child;
    child.path = joined(frame.directory.path, entry.name);
    child.below = entry.below;
    child.is_hidden = frame.directory.is_hidden || frame.directory.is_opaque;
    enter(std::move(child), entry.below == Below::directory ? frame.layers : Layers{});
  }

  void enter(UpperDirectory directory, const Layers& layers) {
    sys::Result<UniqueFd> opened = open_layer_dir(upper_.get(), directory.path);
    if (opened.error() == ENOENT || opened.error() == ENOTDIR) return;  // gone meanwhile
    const UniqueFd fd = std::move(opened).or_throw(name_of(directory.path));
    LowerDirs lower = open_lower(directory.path, layers);
    directory.is_opaque =
        !directory.path.empty() && is_opaque(fd.get()).or_throw(name_of(directory.path));
    read_entries(directory, fd.get(), lower);
    visitor_.enter(directory, fd.get(), lower.fds());
    frames_.push_back({std::move(directory), std::move(lower.layers)});
  }

  // As the kernel merges: downwards until something is no directory, or is opaque. The top of a
  // layer cannot be opaque.
  [[nodiscard]] LowerDirs open_lower(const std::string& path, const Layers& layers) const {
    LowerDirs lower;
    for (const std::uint32_t layer : layers) {
      sys::Result<UniqueFd> opened = open_layer_dir(lowers_[layer].get(), path);
      if (opened.error() == ENOENT) continue;
      if (opened.error() == ENOTDIR || opened.error() == ELOOP) break;
      lower.dirs.push_back({std::move(opened).or_throw(quoted(path)), std::nullopt});
      lower.layers.push_back(layer);
      if (!path.empty() && is_opaque(lower.dirs.back().fd.get()).or_throw(quoted(path))) break;
    }
    return lower;
  }

  static void read_names(LowerDirs& lower, std::size_t questions, const std::string& path) {
    if (questions < kWorthReading) return;
    for (LowerDir& dir : lower.dirs) {
      dir.names = read_small_layer_dir(dir.fd.get(), questions * kMostNamesForOne, path);
      if (dir.names) std::sort(dir.names->begin(), dir.names->end(), comes_before);
    }
  }

  void read_entries(UpperDirectory& directory, int fd, LowerDirs& lower) {
    std::vector<NamedType> all = read_layer_dir(fd, name_of(directory.path));
    read_names(lower, all.size(), directory.path);
    directory.entries.reserve(all.size());
    for (NamedType& found : all) {
      const UpperType type = type_of(fd, found);
      UpperEntry entry = find_below(lower, std::move(found.name));
      entry.type = type;
      directory.entries.push_back(std::move(entry));
    }
    const auto by_name = [](const UpperEntry& a, const UpperEntry& b) { return a.name < b.name; };
    std::sort(directory.entries.begin(), directory.entries.end(), by_name);
    if (!directory.is_opaque && !directory.is_hidden) return;
    add_hidden(directory, lower);
    std::sort(directory.entries.begin(), directory.entries.end(), by_name);
  }

  static UpperType type_of(int dir, const NamedType& found) {
    if (found.type == DT_DIR) return UpperType::directory;
    if (found.type != DT_CHR && found.type != DT_UNKNOWN) return UpperType::other;
    sys::Result<struct stat> there = sys::fstatat(dir, found.name.c_str(), AT_SYMLINK_NOFOLLOW);
    if (there.error() == ENOENT) return UpperType::other;  // gone meanwhile
    const struct stat status = std::move(there).or_throw(quoted(found.name));
    if (S_ISDIR(status.st_mode)) return UpperType::directory;
    return is_whiteout(status) ? UpperType::whiteout : UpperType::other;
  }

  // What can be said without asking: nothing if that is not enough.
  static std::optional<Below> find_in_names(const LowerDir& dir, const std::string& name) {
    if (!dir.names) return std::nullopt;
    const auto at = std::ranges::lower_bound(*dir.names, name, {}, &NamedType::name);
    if (at == dir.names->end() || at->name != name) return Below::nothing;
    if (at->type == DT_CHR || at->type == DT_UNKNOWN) return std::nullopt;
    return at->type == DT_DIR ? Below::directory : Below::other;
  }

  // What is seen below, and in which of the directories.
  static UpperEntry find_below(const LowerDirs& lower, std::string name) {
    UpperEntry entry{.name = std::move(name)};
    for (entry.below_at = 0; entry.below_at < lower.dirs.size(); ++entry.below_at) {
      const LowerDir& dir = lower.dirs[entry.below_at];
      const std::optional<Below> known = find_in_names(dir, entry.name);
      if (known == Below::nothing) continue;
      if (known) {
        entry.below = *known;
        return entry;
      }
      sys::Result<struct stat> found =
          sys::fstatat(dir.fd.get(), entry.name.c_str(), AT_SYMLINK_NOFOLLOW);
      if (found.error() == ENOENT) continue;
      entry.before = std::make_unique<struct stat>(std::move(found).or_throw(entry.name));
      if (is_whiteout(*entry.before)) return entry;
      entry.below = S_ISDIR(entry.before->st_mode) ? Below::directory : Below::other;
      return entry;
    }
    return entry;
  }

  // What an opaque directory hides: all names below that it does not have itself.
  void add_hidden(UpperDirectory& directory, const LowerDirs& lower) const {
    std::vector<std::string> seen;
    for (const UpperEntry& entry : directory.entries) seen.push_back(entry.name);
    for (const LowerDir& dir : lower.dirs) {
      std::vector<std::string> added;
      for (NamedType& found : read_layer_dir(dir.fd.get(), directory.path)) {
        if (std::binary_search(seen.begin(), seen.end(), found.name)) continue;
        added.push_back(found.name);
        UpperEntry entry = find_below(lower, std::move(found.name));
        if (entry.below == Below::nothing) continue;
        entry.type = UpperType::hidden;
        directory.entries.push_back(std::move(entry));
      }
      seen.insert(seen.end(), added.begin(), added.end());
      std::sort(seen.begin(), seen.end());
    }
  }

  [[nodiscard]] std::string name_of(const std::string& path) const { return joined(name_, path); }

  std::string name_;
  UniqueFd upper_;
  std::vector<UniqueFd> lowers_;
  UpperVisitor& visitor_;
  std::vector<Frame> frames_;
};

}  // namespace

void walk_upper(const std::string& upper, std::span<const std::string> lowers,
                UpperVisitor& visitor) {
  Walker(upper, lowers, visitor).walk();
}

}  // namespace minidocker::unionfs
