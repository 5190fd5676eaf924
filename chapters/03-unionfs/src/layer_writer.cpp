#include "minidocker/unionfs/layer_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "layer_paths.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"
#include "minidocker/unionfs/whiteout.hpp"
#include "xattrs.hpp"

namespace minidocker::unionfs {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("layer entry {}: {}", quoted(path), why));
}

void check_path(const std::string& path) {
  std::string_view rest = path;
  while (!path.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    if (part.empty() || part == "." || part == "..") refuse(path, "no path within the layer");
    if (end == rest.size()) return;
    rest.remove_prefix(end + 1);
  }
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

mode_t type_bits(EntryType type) noexcept {
  if (type == EntryType::character_device) return S_IFCHR;
  return type == EntryType::block_device ? S_IFBLK : S_IFIFO;
}

void copy_content(int to, const LayerEntry& entry) {
  std::array<char, 64 * 1024> buffer;
  for (std::uint64_t left = entry.size; left > 0;) {
    const std::size_t wanted = std::min<std::uint64_t>(left, buffer.size());
    const std::size_t got =
        sys::read(entry.content, buffer.data(), wanted).or_throw(quoted(entry.path));
    if (got == 0) refuse(entry.path, fmt::format("{} bytes of its content are missing", left));
    write_all(to, {buffer.data(), got}, entry.path);
    left -= got;
  }
}

// Exactly the attributes of the entry: a directory that was there may have others.
void set_xattrs(int fd, const LayerEntry& entry, const std::string& what) {
  const FdPath path(fd);
  if (entry.type == EntryType::directory) {
    for (const auto& [name, value] : read_xattrs(fd, nullptr, what)) {
      if (entry.xattrs.contains(name)) continue;
      sys::removexattr(path.c_str(), name.c_str()).or_throw(quoted(what));
    }
  }
  for (const auto& [name, value] : entry.xattrs) {
    if (is_overlay_xattr(name)) refuse(entry.path, fmt::format("{} is overlay's own", name));
    sys::setxattr(path.c_str(), name.c_str(), value.data(), value.size()).or_throw(quoted(what));
  }
}

// Owner first: changing it takes away set-user-ID bits and capabilities. Times last.
void set_metadata(int fd, const LayerEntry& entry, const std::string& what) {
  sys::fchownat(fd, "", entry.uid, entry.gid, AT_EMPTY_PATH).or_throw(quoted(what));
  const FdPath path(fd);
  if (entry.type != EntryType::symlink) {
    sys::fchmodat(AT_FDCWD, path.c_str(), entry.mode).or_throw(quoted(what));
  }
  set_xattrs(fd, entry, what);
  const struct timespec times[2] = {entry.mtime, entry.mtime};
  sys::utimensat(fd, "", times, AT_EMPTY_PATH).or_throw(quoted(what));
}

}  // namespace

/// Where an entry goes.
struct LayerWriter::Place {
  std::string path;     // of the entry
  UniqueFd parent;      // the directory it goes into
  std::string name;     // in it
  std::string display;  // for errors
};

LayerWriter::LayerWriter(const std::string& directory, LayerForm form)
    : name_(directory),
      root_(sys::open(directory.c_str(), O_PATH | O_DIRECTORY).or_throw(quoted(directory))),
      form_(form) {}

std::string LayerWriter::name_of(std::string_view path) const { return joined(name_, path); }

UniqueFd LayerWriter::dir_at(std::string_view path) const {
  return open_layer_dir(root_.get(), path).or_throw(quoted(name_of(path)));
}

void LayerWriter::add(const LayerEntry& entry) {
  check_path(entry.path);
  if (entry.path.empty()) {
    if (entry.type != EntryType::directory) refuse("", "the top must be a directory");
    directories_.insert_or_assign("", entry);
    return;
  }
  const std::string parent = parent_of(entry.path);
  Place place{entry.path, dir_at(parent), entry.path.substr(entry.path.rfind('/') + 1),
              name_of(entry.path)};
  const ArchiveName name = classify_archive_name(place.name);
  switch (name.mark) {
    case ArchiveMark::none:
      make(place, entry);
      return;
    case ArchiveMark::whiteout:
      return whiteout(place, name.hides);
    case ArchiveMark::opaque:
      return make_opaque(parent);
    case ArchiveMark::ignored:
      return;
    case ArchiveMark::invalid:
      refuse(entry.path, "a whiteout of no name");
  }
}

// --- what is gone ------------------------------------------------------------------------------

void LayerWriter::whiteout(const Place& place, std::string_view hidden) {
  Place gone{joined(parent_of(place.path), hidden), sys::dup(place.parent.get()).or_throw(),
             std::string(hidden), place.display};
  const bool is_ours = made_.contains(gone.path);
  if (form_ == LayerForm::plain) {
    // This layer's own content stays, what lay there before does not.
    if (!is_ours) return remove(gone);
    if (directories_.contains(gone.path)) clear(gone.path);
    return;
  }
  if (!is_ours) return make_whiteout(gone.parent.get(), gone.name.c_str()).or_throw(place.display);
  if (directories_.contains(gone.path)) make_opaque(gone.path);
}

void LayerWriter::make_opaque(const std::string& path) {
  if (form_ == LayerForm::plain) return clear(path);
  mark_opaque(dir_at(path).get()).or_throw(quoted(name_of(path)));
}

// Removes all but what this layer has made.
void LayerWriter::clear(const std::string& path) {
  Place place{path, dir_at(path), {}, name_of(path)};
  for (const NamedType& entry : read_layer_dir(place.parent.get(), place.display)) {
    place.path = joined(path, entry.name);
    place.name = entry.name;
    if (!made_.contains(place.path)) {
      remove(place);
    } else if (directories_.contains(place.path)) {
      clear(place.path);
    }
  }
}

void LayerWriter::remove(const Place& place) const {
  remove_tree(FdPath(place.parent.get(), place.name).c_str());
}

// --- what is there -----------------------------------------------------------------------------

void LayerWriter::make(const Place& place, const LayerEntry& entry) {
  if (entry.type == EntryType::directory) {
    make_directory(place, entry);
    made_.insert(entry.path);
    return;
  }
  const int parent = place.parent.get();
  const char* name = place.name.c_str();
  if (entry.type != EntryType::hard_link) remove(place);
  switch (entry.type) {
    case EntryType::file:
      make_file(place, entry);
      break;
    case EntryType::hard_link:
      make_hard_link(place, entry);
      break;
    case EntryType::symlink:
      sys::symlinkat(entry.link.c_str(), parent, name).or_throw(quoted(place.display));
      break;
    default:
      sys::mknodat(parent, name, type_bits(entry.type) | 0600U, entry.device)
          .or_throw(quoted(place.display));
  }
  made_.insert(entry.path);
  if (entry.type == EntryType::file || entry.type == EntryType::hard_link) return;
  const UniqueFd fd =
      sys::openat(parent, name, O_PATH | O_NOFOLLOW).or_throw(quoted(place.display));
  set_metadata(fd.get(), entry, place.display);
}

void LayerWriter::make_file(const Place& place, const LayerEntry& entry) {
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  const UniqueFd file = sys::openat(place.parent.get(), place.name.c_str(), kNew, 0600)
                            .or_throw(quoted(place.display));
  copy_content(file.get(), entry);
  set_metadata(file.get(), entry, place.display);
}

void LayerWriter::make_directory(const Place& place, const LayerEntry& entry) {
  const int parent = place.parent.get();
  const char* name = place.name.c_str();
  sys::Result<struct stat> there = sys::fstatat(parent, name, AT_SYMLINK_NOFOLLOW);
  if (!there && there.error() != ENOENT) std::move(there).or_throw(quoted(place.display));
  const bool is_there = there && S_ISDIR(there.value().st_mode);
  if (!is_there) {
    if (there) remove(place);
    sys::mkdirat(parent, name, 0700).or_throw(quoted(place.display));
  }
  directories_.insert_or_assign(entry.path, entry);
  // The whiteout said that nothing from below belongs here.
  if (there && is_whiteout(there.value())) make_opaque(entry.path);
}

void LayerWriter::make_hard_link(const Place& place, const LayerEntry& entry) {
  check_path(entry.link);
  if (!made_.contains(entry.link)) refuse(entry.path, "a link to what is not in this layer");
  if (entry.link == entry.path) return;
  remove(place);
  const UniqueFd from = dir_at(parent_of(entry.link));
  const std::string target = entry.link.substr(entry.link.rfind('/') + 1);
  sys::linkat(from.get(), target.c_str(), place.parent.get(), place.name.c_str(), 0)
      .or_throw(quoted(place.display));
}

void LayerWriter::finish() {
  for (auto entry = directories_.rbegin(); entry != directories_.rend(); ++entry) {
    const UniqueFd fd = dir_at(entry->first);
    set_metadata(fd.get(), entry->second, name_of(entry->first));
  }
  directories_.clear();
}

}  // namespace minidocker::unionfs
