#include "minidocker/images_unpack/pack_layer.hpp"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <vector>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/unionfs/export.hpp"

namespace minidocker::images_unpack {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;

TarEntry::Type type_of(unionfs::EntryType type) {
  using Type = TarEntry::Type;
  switch (type) {
    case unionfs::EntryType::file:
      return Type::file;
    case unionfs::EntryType::hard_link:
      return Type::hard_link;
    case unionfs::EntryType::symlink:
      return Type::symlink;
    case unionfs::EntryType::character_device:
      return Type::character_device;
    case unionfs::EntryType::block_device:
      return Type::block_device;
    case unionfs::EntryType::directory:
      return Type::directory;
    case unionfs::EntryType::fifo:
      break;
  }
  return Type::fifo;
}

TarEntry tar_entry(const unionfs::LayerEntry& entry) {
  TarEntry tar;
  tar.type = type_of(entry.type);
  tar.name = entry.path.empty() ? "./" : entry.path;
  tar.link = entry.link;
  tar.mode = entry.mode;
  tar.uid = entry.uid;
  tar.gid = entry.gid;
  tar.size = tar.type == TarEntry::Type::file ? entry.size : 0;
  tar.mtime = entry.mtime;
  tar.major = major(entry.device);
  tar.minor = minor(entry.device);
  tar.xattrs = entry.xattrs;
  return tar;
}

}  // namespace

void LayerArchive::add(const unionfs::LayerEntry& entry) {
  const TarEntry tar = tar_entry(entry);
  writer_.add(tar);
  std::vector<char> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(tar.size, kPieceBytes)));
  for (std::uint64_t left = tar.size; left > 0;) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    const std::size_t got = sys::read(entry.content, buffer.data(), wanted).or_throw(entry.path);
    if (got == 0) {
      throw Error(ErrorKind::conflict, fmt::format("{}: it became shorter while it was read",
                                                   minidocker::quoted(entry.path)));
    }
    writer_.write_data({buffer.data(), got});
    left -= got;
  }
}

PackedLayer pack_layer(const std::string& upper, std::span<const std::string> lowers, int fd,
                       Compression compression) {
  FdSink file(fd, "layer of " + upper);
  HashingSink blob(file);
  CompressingSink compressed(blob, compression);
  HashingSink archive(compressed);
  TarWriter writer(archive);
  LayerArchive sink(writer);
  unionfs::export_layer(upper, lowers, sink);
  writer.finish();
  compressed.finish();
  const std::uint64_t bytes = archive.bytes();
  const std::uint64_t size = blob.bytes();
  return {blob.digest(), archive.digest(), size, bytes};
}

void pack_tree(const std::string& tree, int fd) {
  FdSink file(fd, "the archive");
  TarWriter writer(file);
  LayerArchive sink(writer);
  unionfs::export_layer(tree, {}, sink);
  writer.finish();
}

}  // namespace minidocker::images_unpack
