#include "layer_tree.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/identity.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/whiteout.hpp"

namespace minidocker::images_unpack {

namespace {

using Type = TarEntry::Type;

constexpr mode_t kSpecialBits = S_ISUID | S_ISGID | S_ISVTX;
constexpr std::size_t kMaxXattrNames = 100;  // that a report lists
constexpr std::uint64_t kMaxUnfinished = std::uint64_t{512} * 1024 * 1024;

struct Times {
  struct timespec both[2];  // of access and of modification
};

Times times_of(const TarEntry& entry) { return {{entry.mtime, entry.mtime}}; }

mode_t type_bits(Type type) {
  switch (type) {
    case Type::character_device:
      return S_IFCHR;
    case Type::block_device:
      return S_IFBLK;
    default:
      return S_IFIFO;
  }
}

}  // namespace

LayerTree::LayerTree(int root, std::string what, const UnpackOptions& options, UnpackReport& report)
    : root_(root),
      what_(std::move(what)),
      options_(options),
      report_(report),
      directories_(root, what_),
      uid_(sys::geteuid()),
      gid_(sys::getegid()) {
  // Files get the group of a set-group-ID directory instead of ours.
  sys::fchmod(root_, 0755).or_throw(what_);
}

std::string LayerTree::name_of(const std::string& path) const { return what_ + ": " + path; }

// For calls that are made for each file: the name is put together only if somebody has to read it.
template <class T>
T LayerTree::must(sys::Result<T> result, const std::string& path) const {
  if (!result) sys::throw_failure(result.call(), result.error(), name_of(path), {});
  return std::move(result).or_throw();
}

// Makes something; what stood there before is removed first, as a later member replaces an
// earlier one of its name. `make` gets the directory to make it in.
template <class Make>
auto LayerTree::replacing(const Place& place, Make make) {
  auto made = make(place.parent);
  if (made.error() != EEXIST) return made;
  const std::string& path = place.path.text;
  const UniqueFd parent = sys::dup(place.parent).or_throw(name_of(path));
  remove_tree(std::string(FdPath(parent.get()).c_str()) + "/" + place.name);
  const std::string inside = path + "/";
  std::erase_if(unfinished_, [&](const auto& directory) {
    return directory.first == path || directory.first.starts_with(inside);
  });
  directories_.forget();
  return make(parent.get());
}

void LayerTree::add(const TarEntry& entry, TarReader& reader) {
  std::string why;
  const TreePath path = parse_tree_path(entry.name, why);
  if (!why.empty()) directories_.refuse(entry.name, why);
  if (path.is_root()) {
    if (entry.type != Type::directory) directories_.refuse(entry.name, "it has no name");
    remember_directory("", entry);
    return;
  }
  if (lies_in_bookkeeping(path) || add_mark(path)) return;
  for (const std::string& record : entry.unused_records) dropped(record);
  const Place place{directories_.open(path.parent()), path.name(), path};
  switch (entry.type) {
    case Type::file:
      return add_file(place, entry, reader);
    case Type::directory:
      return add_directory(place, entry);
    case Type::symlink:
      return add_symlink(place, entry);
    case Type::hard_link:
      return add_hard_link(place, entry);
    default:
      return add_device(place, entry);
  }
}

// --- marks -----------------------------------------------------------------------------------

// A whiteout says what is gone and cannot hold anything. aufs kept directories of its own, whose
// names begin so: with all they hold they are passed over.
bool LayerTree::lies_in_bookkeeping(const TreePath& path) const {
  for (std::size_t at = 0, end = 0; (end = path.text.find('/', at)) != std::string::npos;
       at = end + 1) {
    const std::string part = path.text.substr(at, end - at);
    switch (unionfs::classify_archive_name(part).mark) {
      case unionfs::ArchiveMark::none:
        break;
      case unionfs::ArchiveMark::ignored:
        return true;
      default:
        directories_.refuse(path.text, "it lies in a whiteout");
    }
  }
  return false;
}

// Names that are no files but say what lower layers have lost. False for an ordinary name.
bool LayerTree::add_mark(const TreePath& path) {
  const unionfs::ArchiveName name = unionfs::classify_archive_name(path.name());
  switch (name.mark) {
    case unionfs::ArchiveMark::none:
      return false;
    case unionfs::ArchiveMark::ignored:
      return true;
    case unionfs::ArchiveMark::opaque:
      make_opaque(path.parent());
      return true;
    case unionfs::ArchiveMark::whiteout:
      add_whiteout(path, std::string(name.hides));
      return true;
    case unionfs::ArchiveMark::invalid:
      break;
  }
  directories_.refuse(path.text, "it is a whiteout of no name");
}

void LayerTree::make_opaque(const std::string& directory) {
  const int fd = directories_.open(directory);
  const UniqueFd readable =
      sys::openat(fd, ".", O_RDONLY | O_DIRECTORY).or_throw(name_of(directory));
  unionfs::mark_opaque(readable.get())
      .or_throw(name_of(directory),
                "layers need a filesystem with user attributes (a tmpfs has "
                "them from Linux 6.6)");
}

void LayerTree::add_whiteout(const TreePath& path, const std::string& hidden) {
  const std::string parent = path.parent();
  const int fd = directories_.open(parent);
  const sys::Result<> made = unionfs::make_whiteout(fd, hidden.c_str());
  if (made) return;
  if (made.error() != EEXIST) {
    sys::throw_failure(made.call(), made.error(), name_of(path.text), {});
  }
  // This layer has the name too: its own content stays, what lies below must not shine through.
  const struct stat there =
      sys::fstatat(fd, hidden.c_str(), AT_SYMLINK_NOFOLLOW).or_throw(name_of(path.text));
  if (S_ISDIR(there.st_mode)) make_opaque(parent.empty() ? hidden : parent + "/" + hidden);
}

// --- members ---------------------------------------------------------------------------------

void LayerTree::write_content(int file, const std::string& path, const TarEntry& entry,
                              TarReader& reader) const {
  std::uint64_t end = 0;
  for (std::string_view data = reader.read_data(); !data.empty(); data = reader.read_data()) {
    if (const std::uint64_t offset = reader.data_offset(); offset != end) {  // a hole before it
      must(sys::lseek(file, static_cast<off_t>(offset), SEEK_SET), path);
      end = offset;
    }
    write_all(file, data, path);
    end += data.size();
  }
  if (end != entry.size) must(sys::ftruncate(file, static_cast<off_t>(entry.size)), path);
}

void LayerTree::add_file(const Place& place, const TarEntry& entry, TarReader& reader) {
  const std::string& path = place.path.text;
  if (entry.size == 0 && entry.xattrs.empty()) return add_empty_file(place, entry);
  // Who is not root may only give attributes to what he may write.
  const mode_t first_mode =
      (entry.mode & ~kSpecialBits) | (entry.xattrs.empty() ? mode_t{0} : mode_t{S_IWUSR});
  const auto make = [&](int parent) {
    constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    return sys::openat(parent, place.name, kNew, first_mode);
  };
  const UniqueFd file = must(replacing(place, make), path);
  write_content(file.get(), path, entry, reader);
  set_owner(file.get(), "", AT_EMPTY_PATH, path, entry);
  set_xattrs(path, entry, [&](const char* name, const std::string& value) {
    return sys::fsetxattr(file.get(), name, value.data(), value.size());
  });
  // After the owner: changing it takes these bits away.
  if (entry.mode != first_mode) must(sys::fchmod(file.get(), entry.mode), path);
  must(sys::futimens(file.get(), times_of(entry).both), path);
}

// mknod(2) makes files too, and nobody has to close what was not opened.
void LayerTree::add_empty_file(const Place& place, const TarEntry& entry) {
  const auto make = [&](int parent) {
    return sys::mknodat(parent, place.name, S_IFREG | (entry.mode & ~kSpecialBits), 0);
  };
  must(replacing(place, make), place.path.text);
  finish_special(place, entry);
}

void LayerTree::add_directory(const Place& place, const TarEntry& entry) {
  const std::string& path = place.path.text;
  const auto make = [&](int parent) { return sys::mkdirat(parent, place.name, 0755); };
  sys::Result<> made = make(place.parent);
  if (made.error() == EEXIST) {
    const struct stat there =
        sys::fstatat(place.parent, place.name, AT_SYMLINK_NOFOLLOW).or_throw(name_of(path));
    if (!S_ISDIR(there.st_mode)) {
      replacing(place, make).or_throw(name_of(path));
      // The whiteout said that nothing from below belongs here.
      if (unionfs::is_whiteout(there)) make_opaque(path);
    }
  } else {
    std::move(made).or_throw(name_of(path));
  }
  remember_directory(path, entry);
}

void LayerTree::add_symlink(const Place& place, const TarEntry& entry) {
  const std::string& path = place.path.text;
  if (entry.link.empty()) directories_.refuse(path, "it is a symlink without a target");
  replacing(place, [&](int parent) {
    return sys::symlinkat(entry.link.c_str(), parent, place.name);
  }).or_throw(name_of(path));
  finish_special(place, entry);
}

void LayerTree::add_hard_link(const Place& place, const TarEntry& entry) {
  std::string why;
  const TreePath target = parse_tree_path(entry.link, why);
  if (!why.empty() || target.is_root()) {
    directories_.refuse(place.path.text,
                        fmt::format("it is a hard link to {}: {}", minidocker::quoted(entry.link),
                                    why.empty() ? "that is the layer itself" : why));
  }
  const std::string& path = place.path.text;
  const UniqueFd from = sys::dup(directories_.open(target.parent())).or_throw(name_of(path));
  const Place again{directories_.open(place.path.parent()), place.name, place.path};
  sys::Result<> linked = sys::linkat(from.get(), target.name(), again.parent, place.name, 0);
  if (linked.error() == EEXIST) linked = replace_by_link(again, from.get(), target.name());
  if (linked.error() == ENOENT) {
    directories_.refuse(path, fmt::format("it is a hard link to {}, which is not in this layer",
                                          minidocker::quoted(entry.link)));
  }
  std::move(linked).or_throw(name_of(path));
}

// What has to go may be the target by another name, or a directory above it: the link is made aside
// first, under a name that no member can have.
sys::Result<> LayerTree::replace_by_link(const Place& place, int from, const char* target) {
  constexpr const char* kAside = ".wh..wh.link";
  const sys::Result<struct stat> there =
      sys::fstatat(place.parent, place.name, AT_SYMLINK_NOFOLLOW);
  const sys::Result<struct stat> wanted = sys::fstatat(from, target, AT_SYMLINK_NOFOLLOW);
  if (there && wanted && there.value().st_dev == wanted.value().st_dev &&
      there.value().st_ino == wanted.value().st_ino) {
    return sys::Result<>(wanted.call());
  }
  if (sys::Result<> aside = sys::linkat(from, target, root_, kAside, 0); !aside) return aside;
  return replacing(place, [&](int parent) {
    return sys::renameat2(root_, kAside, parent, place.name, RENAME_NOREPLACE);
  });
}

void LayerTree::add_device(const Place& place, const TarEntry& entry) {
  const std::string& path = place.path.text;
  const dev_t device = makedev(entry.major, entry.minor);
  if (entry.type == Type::character_device && device == makedev(0, 0)) {
    directories_.refuse(path, "a character device 0:0 would be taken for a whiteout");
  }
  const sys::Result<> made = replacing(place, [&](int parent) {
    return sys::mknodat(parent, place.name, type_bits(entry.type) | (entry.mode & ~kSpecialBits),
                        device);
  });
  if (made.error() == EPERM) {
    throw Error(ErrorKind::permission,
                fmt::format("{}: member {}: devices can only be made by root; this image cannot be "
                            "unpacked by an ordinary user",
                            what_, minidocker::quoted(path)));
  }
  if (!made) sys::throw_failure(made.call(), made.error(), name_of(path), {});
  finish_special(place, entry);
}

// Owner, attributes and times of what was not opened: by its name, which is ours, in a directory
// that we hold.
void LayerTree::finish_special(const Place& place, const TarEntry& entry) {
  const std::string& path = place.path.text;
  const int parent = directories_.open(place.path.parent());
  set_owner(parent, place.name, AT_SYMLINK_NOFOLLOW, path, entry);
  set_xattrs(path, entry, [&](const char* name, const std::string& value) {
    return sys::lsetxattr(FdPath(parent, place.name).c_str(), name, value.data(), value.size());
  });
  if (entry.type != Type::symlink && (entry.mode & kSpecialBits) != 0) {
    must(sys::fchmodat(parent, place.name, entry.mode), path);
  }
  must(sys::utimensat(parent, place.name, times_of(entry).both, AT_SYMLINK_NOFOLLOW), path);
}

// --- what members have besides their content ---------------------------------------------------

bool LayerTree::needs_owner(const TarEntry& entry) {
  // Root's files belong to whoever unpacks: in a container of his, he is root.
  const bool wanted =
      uid_ == 0 ? entry.uid != uid_ || entry.gid != gid_ : entry.uid != 0 || entry.gid != 0;
  if (!wanted || options_.owners == images::Owners::keep) return wanted;
  return false;
}

// Of `name` in `dirfd` or, with AT_EMPTY_PATH and no name, of the open file itself.
void LayerTree::set_owner(int dirfd, const char* name, int how, const std::string& path,
                          const TarEntry& entry) {
  if (options_.owners == images::Owners::squash && (entry.uid != 0 || entry.gid != 0)) {
    ++report_.squashed;
  }
  if (!needs_owner(entry)) return;
  const sys::Result<> changed = sys::fchownat(dirfd, name, entry.uid, entry.gid, how);
  if (changed.error() == EPERM || changed.error() == EINVAL) {
    throw Error(ErrorKind::permission,
                fmt::format("{}: member {} belongs to {}:{}, which needs root or subordinate ids "
                            "(/etc/subuid, /etc/subgid, newuidmap)",
                            what_, minidocker::quoted(path), entry.uid, entry.gid));
  }
  if (!changed) sys::throw_failure(changed.call(), changed.error(), name_of(path), {});
}

void LayerTree::dropped(const std::string& xattr) {
  if (report_.lost_xattrs.size() < kMaxXattrNames || report_.lost_xattrs.contains(xattr)) {
    ++report_.lost_xattrs[xattr];
  }
}

// A layer's own overlay attributes would let it redirect directories to other places.
bool LayerTree::takes_over(const std::string& xattr) {
  if (!unionfs::is_overlay_xattr(xattr)) return true;
  dropped(xattr);
  return false;
}

// `set` sets one of them.
template <class Set>
void LayerTree::set_xattrs(const std::string& path, const TarEntry& entry, Set set) {
  for (const auto& [name, value] : entry.xattrs) {
    if (!takes_over(name)) continue;
    const sys::Result<> done = set(name.c_str(), value);
    if (done) continue;
    if (done.error() != EPERM && done.error() != EOPNOTSUPP) {
      sys::throw_failure(done.call(), done.error(), name_of(path) + ": " + name, {});
    }
    dropped(name);
  }
}

void LayerTree::remember_directory(const std::string& path, const TarEntry& entry) {
  unfinished_bytes_ += sizeof(entry) + 2 * path.size();
  for (const auto& [name, value] : entry.xattrs) unfinished_bytes_ += name.size() + value.size();
  if (unfinished_bytes_ > kMaxUnfinished) {
    directories_.refuse(path, "the directories of this layer take more than 512 MiB to remember");
  }
  unfinished_[path] = entry;
}

void LayerTree::finish_directory(const std::string& path, const TarEntry& entry) {
  const char* name = path.empty() ? "." : path.c_str();
  const UniqueFd fd =
      sys::openat2(root_, name, O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)
          .or_throw(name_of(path));
  set_owner(fd.get(), "", AT_EMPTY_PATH, path, entry);
  set_xattrs(path, entry, [&](const char* attribute, const std::string& value) {
    return sys::fsetxattr(fd.get(), attribute, value.data(), value.size());
  });
  if (entry.mode != 0755) must(sys::fchmod(fd.get(), entry.mode), path);
  must(sys::futimens(fd.get(), times_of(entry).both), path);
}

void LayerTree::finish() {
  // Backwards, so that a directory is finished after all that lies in it.
  for (auto it = unfinished_.rbegin(); it != unfinished_.rend(); ++it) {
    finish_directory(it->first, it->second);
  }
}

}  // namespace minidocker::images_unpack
