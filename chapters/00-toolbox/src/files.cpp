#include "minidocker/toolbox/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/process.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/toolbox/unique_fd.hpp"

namespace minidocker {
namespace {

constexpr std::size_t kChunk = 64 * 1024;
constexpr int kMaxTries = 100;

/// The directory part of `path`: "a" for "a/b", "." for "a", "/" for "/a".
std::string parent_dir(const std::string& path) {
  std::size_t last = path.find_last_not_of('/');
  std::size_t slash = last == std::string::npos ? last : path.find_last_of('/', last);
  if (slash == std::string::npos) return path.starts_with('/') ? "/" : ".";
  std::size_t end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

/// A file under a temporary name, removed unless it got its final one.
class TemporaryFile {
 public:
  TemporaryFile(std::string dir, mode_t mode) {
    for (int i = 0;; ++i) {
      path_ = fmt::format("{}/.mini-docker-{}-{}", dir, sys::own_pid(), i);
      sys::Result<UniqueFd> made = sys::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL, mode);
      // A name of a process that was killed, or of another PID namespace: take the next.
      if (made.error() == EEXIST && i < kMaxTries) continue;
      fd_ = std::move(made).or_throw(quoted(path_));
      return;
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) (void)sys::unlink(path_.c_str());
  }

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  void rename_to(const std::string& path) {
    sys::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str()).or_throw(quoted(path));
    path_.clear();
  }

 private:
  std::string path_;
  UniqueFd fd_;
};

/// A directory entry, as far as removing needs to know it.
struct DirEntry {
  std::string name;
  bool is_directory;
};

/// The next batch of entries of an open directory, without "." and ".."; empty at the end.
std::vector<DirEntry> next_entries(int dir, std::string_view object) {
  std::vector<DirEntry> entries;
  alignas(struct dirent64) std::array<char, 32 * 1024> buffer;
  while (entries.empty()) {
    sys::Result<std::size_t> got = sys::getdents64(dir, buffer.data(), buffer.size());
    // What somebody removes after it was opened is empty, whatever the errno sounds like.
    if (got.error() == ENOENT) break;
    const std::size_t size = std::move(got).or_throw(quoted(object));
    if (size == 0) break;
    for (std::size_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const struct dirent64*>(buffer.data() + at);
      at += entry->d_reclen;
      const std::string_view name(entry->d_name);
      if (name == "." || name == "..") continue;
      entries.push_back({std::string(name), entry->d_type == DT_DIR});
    }
  }
  return entries;
}

/// Opens directory `name` in `dir` for emptying it. A directory of ours that we may not read gets
/// permissions first: by descriptor, as its name may have become a link meanwhile. Nothing if it is
/// gone.
std::optional<UniqueFd> open_for_removal(int dir, const std::string& name,
                                         std::string_view object) {
  constexpr std::uint64_t kFlags = O_DIRECTORY | O_NOFOLLOW;
  // At AT_FDCWD stands the path the caller chose; below it, nothing may lead elsewhere.
  const std::uint64_t resolve = dir == AT_FDCWD ? 0 : RESOLVE_BENEATH | RESOLVE_NO_XDEV;
  sys::Result<UniqueFd> opened = sys::openat2(dir, name.c_str(), O_RDONLY | kFlags, resolve);
  if (opened.error() == EACCES) {
    UniqueFd locked =
        sys::openat2(dir, name.c_str(), O_PATH | kFlags, resolve).or_throw(quoted(object));
    sys::fchmodat(AT_FDCWD, FdPath(locked.get()).c_str(), 0700).or_throw(quoted(object));
    opened = sys::openat2(dir, name.c_str(), O_RDONLY | kFlags, resolve);
  }
  if (opened.error() == ENOENT) return std::nullopt;
  const bool crosses = opened.error() == EXDEV;
  return std::move(opened).or_throw(quoted(object),
                                    crosses ? "something is mounted there; unmount it first" : "");
}

/// Empties a directory. It descends with one descriptor a level, so a tree deeper than kMaxDepth,
/// deeper perhaps than there are descriptors, is cut: what lies deeper moves up to the top and is
/// emptied from there.
class TreeRemover {
 public:
  TreeRemover(UniqueFd top, std::string object)
      : top_(std::move(top)), object_(std::move(object)) {}

  /// One pass over the top directory. Returns whether it is empty; throws if nothing could be
  /// removed and nothing was moved.
  bool empty_top() {
    const std::size_t before = progress_;
    sys::lseek(top_.get(), 0, SEEK_SET).or_throw(quoted(object_));
    const bool found = empty(top_.get(), 0);
    if (found && progress_ == before) throw SystemError("unlinkat", quoted(object_), ENOTEMPTY);
    return !found;
  }

 private:
  static constexpr int kMaxDepth = 64;

  /// Removes what `dir` holds. Returns whether there was anything.
  bool empty(int dir, int depth) {
    bool found = false;
    while (true) {
      const std::vector<DirEntry> batch = next_entries(dir, object_);
      if (batch.empty()) return found;
      found = true;
      for (const DirEntry& entry : batch) remove(dir, entry, depth);
    }
  }

  void remove(int dir, const DirEntry& entry, int depth) {
    if (entry.is_directory) return remove_directory(dir, entry.name, depth);
    sys::Result<> removed = unlink(dir, entry.name, 0);
    if (removed.error() == EISDIR) return remove_directory(dir, entry.name, depth);
    count(removed);
  }

  void remove_directory(int dir, const std::string& name, int depth) {
    if (depth == kMaxDepth) return move_up(dir, name);
    if (const std::optional<UniqueFd> child = open_for_removal(dir, name, object_)) {
      empty(child->get(), depth + 1);
    }
    sys::Result<> removed = unlink(dir, name, AT_REMOVEDIR);
    // Some filesystems skip entries of a directory that shrinks while it is read: the next pass
    // over the top meets them again.
    if (removed.error() != ENOTEMPTY) count(removed);
  }

  void move_up(int dir, const std::string& name) {
    for (int i = 0;; ++i) {
      const std::string moved = fmt::format(".mini-docker-deep-{}", i);
      sys::Result<> renamed =
          sys::renameat2(dir, name.c_str(), top_.get(), moved.c_str(), RENAME_NOREPLACE);
      if (renamed.error() == EEXIST) continue;
      return count(renamed);
    }
  }

  /// unlinkat(2); a directory of ours that may not be written gets permissions first.
  static sys::Result<> unlink(int dir, const std::string& name, int flags) {
    sys::Result<> removed = sys::unlinkat(dir, name.c_str(), flags);
    if (removed.error() != EACCES || !sys::fchmod(dir, 0700)) return removed;
    return sys::unlinkat(dir, name.c_str(), flags);
  }

  void count(sys::Result<> done) {
    // Somebody else removing the same tree is no error.
    if (done.error() != ENOENT) std::move(done).or_throw(quoted(object_));
    ++progress_;
  }

  UniqueFd top_;
  std::string object_;
  std::size_t progress_ = 0;
};

}  // namespace

std::string read_all(int fd, std::string_view object) {
  std::string content;
  std::size_t used = 0;
  // Control files tell no size in fstat(2), so only a read of nothing is the end.
  while (true) {
    // Twice a page at first: most files are shorter than one, and get by without a second piece.
    if (content.size() - used < 4096) content.resize(content.size() + (used == 0 ? 8192 : kChunk));
    std::size_t got =
        sys::read(fd, content.data() + used, content.size() - used).or_throw(quoted(object));
    if (got == 0) break;
    used += got;
  }
  content.resize(used);
  return content;
}

std::string read_file(const std::string& path) {
  UniqueFd file = sys::open(path.c_str(), O_RDONLY).or_throw(quoted(path));
  return read_all(file.get(), path);
}

std::string read_regular_file(const std::string& path) {
  const UniqueFd file = sys::open(path.c_str(), O_RDONLY).or_throw(quoted(path));
  std::string content(kChunk, '\0');
  const std::size_t got =
      sys::read(file.get(), content.data(), content.size()).or_throw(quoted(path));
  content.resize(got);
  if (got == kChunk) content += read_all(file.get(), path);
  return content;
}

std::optional<std::string> find_file(const std::string& path) {
  sys::Result<UniqueFd> file = sys::open(path.c_str(), O_RDONLY);
  if (file.error() == ENOENT || file.error() == ENOTDIR) return std::nullopt;
  const UniqueFd opened = std::move(file).or_throw(quoted(path));
  try {
    return read_all(opened.get(), path);
  } catch (const SystemError& error) {
    if (error.code() != ESRCH) throw;
    return std::nullopt;
  }
}

sys::Result<> write_control_at(int dirfd, const char* path, std::string_view text) noexcept {
  sys::Result<UniqueFd> file = sys::openat(dirfd, path, O_WRONLY);
  if (!file) return sys::Result<>::failure(file.call(), file.error());
  sys::Result<std::size_t> written = sys::write(file.value().get(), text.data(), text.size());
  // A control file takes a value whole or not at all; a second write would be a second value.
  if (written && written.value() != text.size()) {
    return sys::Result<>::failure(written.call(), EIO);
  }
  return sys::Result<>(written);
}

void write_control(const std::string& path, std::string_view text) {
  write_control_at(AT_FDCWD, path.c_str(), text)
      .or_throw(fmt::format("{}, {}", quoted(path), quoted(text)));
}

void write_all(int fd, std::string_view data, std::string_view object) {
  while (!data.empty()) {
    data.remove_prefix(sys::write(fd, data.data(), data.size()).or_throw(quoted(object)));
  }
}

void write_atomically(const std::string& path, std::string_view content, mode_t mode,
                      Durability durability) {
  const std::string dir = parent_dir(path);
  TemporaryFile file(dir, mode);
  // What a umask takes from others has to be given back; from the owner it takes nothing in use.
  if ((mode & 077) != 0) sys::fchmod(file.fd(), mode).or_throw(quoted(path));
  write_all(file.fd(), content, path);
  if (durability == Durability::synced) sys::fsync(file.fd()).or_throw(quoted(path));
  file.rename_to(path);
  if (durability != Durability::synced) return;
  // The new name is part of the directory: without this it may be gone after a power cut.
  UniqueFd parent = sys::open(dir.c_str(), O_RDONLY | O_DIRECTORY).or_throw(quoted(dir));
  sys::fsync(parent.get()).or_throw(quoted(dir));
}

void make_dirs(const std::string& path, mode_t mode) {
  sys::Result<> made = sys::mkdir(path.c_str(), mode);
  if (made.error() == ENOENT && parent_dir(path) != path) {
    make_dirs(parent_dir(path), 0755);
    made = sys::mkdir(path.c_str(), mode);
  }
  if (made.error() == EEXIST) {
    const struct stat there = sys::fstatat(AT_FDCWD, path.c_str(), 0).or_throw(quoted(path));
    if (S_ISDIR(there.st_mode)) return;
    made = sys::Result<>::failure(made.call(), ENOTDIR);
  }
  std::move(made).or_throw(quoted(path));
}

bool exists(const std::string& path) { return sys::fstatat(AT_FDCWD, path.c_str(), 0).ok(); }

std::vector<std::string> list_dir(const std::string& path) {
  UniqueFd dir = sys::open(path.c_str(), O_RDONLY | O_DIRECTORY).or_throw(quoted(path));
  std::vector<std::string> names;
  while (true) {
    const std::vector<DirEntry> batch = next_entries(dir.get(), path);
    if (batch.empty()) break;
    for (const DirEntry& entry : batch) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void remove_tree(const std::string& path) {
  sys::Result<> removed = sys::unlink(path.c_str());
  if (removed.ok() || removed.error() == ENOENT || removed.error() == ENOTDIR) return;
  if (removed.error() != EISDIR) std::move(removed).or_throw(quoted(path));

  std::optional<UniqueFd> top = open_for_removal(AT_FDCWD, path, path);
  if (!top) return;
  TreeRemover remover(*std::move(top), path);
  while (!remover.empty_top()) {
  }
  removed = sys::rmdir(path.c_str());
  if (removed.error() != ENOENT) std::move(removed).or_throw(quoted(path));
}

}  // namespace minidocker
