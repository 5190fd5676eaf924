#include "minidocker/unionfs/export.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <map>
#include <utility>

#include "layer_paths.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/unionfs/whiteout.hpp"
#include "upper_walk.hpp"
#include "xattrs.hpp"

namespace minidocker::unionfs {
namespace {

constexpr mode_t kPermissions = 07777;

EntryType type_of(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return EntryType::directory;
    case S_IFLNK:
      return EntryType::symlink;
    case S_IFCHR:
      return EntryType::character_device;
    case S_IFBLK:
      return EntryType::block_device;
    case S_IFIFO:
      return EntryType::fifo;
    default:
      return EntryType::file;
  }
}

LayerEntry entry_of(const struct stat& status, std::string path) {
  LayerEntry entry;
  entry.type = type_of(status.st_mode);
  entry.path = std::move(path);
  entry.mode = status.st_mode & kPermissions;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
  entry.mtime = status.st_mtim;
  const bool is_device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
  if (is_device) entry.device = status.st_rdev;
  if (S_ISREG(status.st_mode)) entry.size = static_cast<std::uint64_t>(status.st_size);
  return entry;
}

std::string read_link(int dir, const char* name, const std::string& what) {
  std::string target(PATH_MAX, '\0');
  target.resize(sys::readlinkat(dir, name, target.data(), target.size()).or_throw(quoted(what)));
  return target;
}

class Exporter final : public UpperVisitor {
 public:
  explicit Exporter(LayerSink& sink) : sink_(sink) {}

  void enter(UpperDirectory& directory, int fd, std::span<const int> /*below*/) override {
    LayerEntry entry = entry_of(sys::fstat(fd).or_throw(quoted(directory.path)), directory.path);
    entry.xattrs = read_xattrs(fd, nullptr, directory.path);
    sink_.add(entry);
    // What hides nothing need not be said: overlay marks every directory that it makes.
    if (directory.is_opaque && !directory.is_hidden && directory.below == Below::directory) {
      add_mark(joined(directory.path, ".wh..wh..opq"));
    }
    for (const UpperEntry& each : directory.entries) {
      if (classify_archive_name(each.name).mark != ArchiveMark::none) {
        refuse(joined(directory.path, each.name));
      }
      if (each.type == UpperType::other) add_file(directory, each.name.c_str(), fd);
      const bool is_told = directory.is_opaque || directory.is_hidden;
      if (each.is_gone() && !is_told) add_mark(joined(directory.path, ".wh." + each.name));
    }
  }

 private:
  [[noreturn]] static void refuse(const std::string& path) {
    throw Error(ErrorKind::invalid_argument,
                fmt::format("{}: in a layer this name would mean that another file is gone; hint: "
                            "rename it",
                            quoted("/" + path)));
  }

  void add_mark(std::string path) {
    LayerEntry mark;
    mark.path = std::move(path);
    sink_.add(mark);
  }

  void add_file(const UpperDirectory& directory, const char* name, int fd) {
    const std::string path = joined(directory.path, name);
    sys::Result<struct stat> found = sys::fstatat(fd, name, AT_SYMLINK_NOFOLLOW);
    if (found.error() == ENOENT) return;  // gone meanwhile
    const struct stat status = std::move(found).or_throw(quoted(path));
    if (S_ISSOCK(status.st_mode)) return;
    LayerEntry entry = entry_of(status, path);
    if (status.st_nlink > 1) {
      const auto [first, is_first] =
          links_.try_emplace(std::pair(status.st_dev, status.st_ino), path);
      if (!is_first) return add_link(std::move(entry), first->second);
    }
    entry.xattrs = read_xattrs(fd, name, path);
    if (entry.type == EntryType::symlink) entry.link = read_link(fd, name, path);
    if (entry.type == EntryType::file) return add_content(std::move(entry), fd, name);
    sink_.add(entry);
  }

  void add_link(LayerEntry entry, const std::string& earlier) {
    entry.type = EntryType::hard_link;
    entry.link = earlier;
    entry.size = 0;
    sink_.add(entry);
  }

  void add_content(LayerEntry entry, int dir, const char* name) {
    constexpr int kRead = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;  // it may be a FIFO by now
    const UniqueFd file = sys::openat(dir, name, kRead).or_throw(quoted(entry.path));
    entry.content = file.get();
    sink_.add(entry);
  }

  LayerSink& sink_;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
};

}  // namespace

void export_layer(const std::string& upper, std::span<const std::string> lowers, LayerSink& sink) {
  Exporter exporter(sink);
  walk_upper(upper, lowers, exporter);
}

}  // namespace minidocker::unionfs
