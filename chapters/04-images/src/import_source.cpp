#include "import_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "minidocker/images_unpack/byte_stream.hpp"
#include "minidocker/images_unpack/tar_reader.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/safe_path.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "tree_path.hpp"

namespace minidocker::images_unpack {

namespace {

constexpr std::size_t kCopyBytes = std::size_t{256} * 1024;
constexpr std::size_t kMaxMembers = 100'000;
constexpr std::uint64_t kMaxDocument = std::uint64_t{4} * 1024 * 1024;
constexpr int kMaxLinks = 8;

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
  throw Error(ErrorKind::invalid_argument, fmt::format("{}: {}", what, why));
}

// A new file of the workspace, hashed while it is written.
class Staging {
 public:
  explicit Staging(images::Workspace& workspace)
      : path_(workspace.fresh("blob")),
        fd_(sys::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644).or_throw(path_)) {}
  void write(std::string_view data) {
    hasher_.update(data.data(), data.size());
    write_all(fd_.get(), data, path_);
    size_ += data.size();
  }
  StagedFile finish() { return {path_, hasher_.finish(), size_}; }

 private:
  std::string path_;
  UniqueFd fd_;
  images::Hasher hasher_;
  std::uint64_t size_ = 0;
};

// A layout in a directory: files are copied when somebody wants them.
class DirectorySource final : public ImportSource {
 public:
  DirectorySource(UniqueFd root, std::string from, images::Workspace& workspace, ByteBudget& budget)
      : root_(std::move(root)), from_(std::move(from)), workspace_(workspace), budget_(budget) {}

  std::optional<StagedFile> find(const std::string& name) override {
    if (const auto found = staged_.find(name); found != staged_.end()) return found->second;
    const std::string what = from_ + "/" + name;
    sys::Result<UniqueFd> opened =
        open_in_root(root_.get(), name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (opened.error() == ENOENT || opened.error() == ENOTDIR) return std::nullopt;
    const UniqueFd file = std::move(opened).or_throw(what);
    if (!S_ISREG(sys::fstat(file.get()).or_throw(what).st_mode)) refuse(what, "is no file");
    FdStream content(file.get(), what);
    BoundedStream bounded(content, budget_, what);
    return staged_.emplace(name, stage(bounded, workspace_)).first->second;
  }

 private:
  UniqueFd root_;
  std::string from_;
  images::Workspace& workspace_;
  ByteBudget& budget_;
  std::map<std::string, StagedFile> staged_;
};

// An archive can be read once, and what its index names may stand before the index: all of its
// files are staged.
class ArchiveSource final : public ImportSource {
 public:
  ArchiveSource(int fd, const std::string& from, images::Workspace& workspace, ByteBudget& budget)
      : workspace_(workspace) {
    FdStream file(fd, from);
    BufferedPieces compressed(file);
    const std::unique_ptr<ByteStream> inside = decompress(compressed, from);
    BoundedStream bounded(*inside, budget, from);
    BufferedPieces archive(bounded);
    TarReader reader(archive, from);
    while (const std::optional<TarEntry> entry = reader.next()) add(*entry, reader, from);
  }

  std::optional<StagedFile> find(const std::string& name) override {
    std::string at = name;
    for (int i = 0; i < kMaxLinks; ++i) {
      if (const auto file = files_.find(at); file != files_.end()) return file->second;
      const auto link = links_.find(at);
      if (link == links_.end()) break;
      at = link->second;
    }
    return std::nullopt;
  }

 private:
  // Names are keys of a map, never paths: they can lead nowhere.
  void add(const TarEntry& entry, TarReader& reader, const std::string& from) {
    if (files_.size() + links_.size() > kMaxMembers) refuse(from, "holds too many files");
    std::string why;
    const TreePath path = parse_tree_path(entry.name, why);
    if (!why.empty())
      refuse(from, fmt::format("member {}: {}", minidocker::quoted(entry.name), why));
    if (entry.sparse) {
      refuse(from, fmt::format("member {}: no file of an image archive has holes",
                               minidocker::quoted(entry.name)));
    }
    if (entry.type == TarEntry::Type::file) {
      Staging staging(workspace_);
      for (std::string_view data = reader.read_data(); !data.empty(); data = reader.read_data()) {
        staging.write(data);
      }
      files_.insert_or_assign(path.text, staging.finish());
    } else if (entry.type == TarEntry::Type::symlink) {
      links_[path.text] = resolve(path.parent(), entry.link);
    } else if (entry.type == TarEntry::Type::hard_link) {
      links_[path.text] = resolve("", entry.link);
    }
  }

  // `docker save` before 25 writes equal layers once and links the others: `../HEX/layer.tar`.
  static std::string resolve(std::string directory, std::string_view link) {
    while (link.starts_with("../")) {
      link.remove_prefix(3);
      directory = TreePath{directory}.parent();
    }
    return directory.empty() ? std::string(link) : directory + "/" + std::string(link);
  }

  images::Workspace& workspace_;
  std::map<std::string, StagedFile> files_;
  std::map<std::string, std::string> links_;
};

}  // namespace

StagedFile stage(ByteStream& content, images::Workspace& workspace) {
  Staging staging(workspace);
  std::vector<char> buffer(kCopyBytes);
  while (const std::size_t got = content.read(buffer.data(), buffer.size())) {
    staging.write({buffer.data(), got});
  }
  return staging.finish();
}

StagedFile ImportSource::get_blob(const images::Descriptor& descriptor) {
  const std::string what = "image archive: blob " + descriptor.digest.str();
  std::optional<StagedFile> file = find("blobs/sha256/" + descriptor.digest.hex());
  if (!file) throw Error(ErrorKind::not_found, what + " is named but missing");
  if (file->digest != descriptor.digest) {
    refuse(what, fmt::format("its content has digest {}: damaged or forged", file->digest.str()));
  }
  if (file->size != descriptor.size) {
    refuse(what, fmt::format("has {} bytes instead of {}", file->size, descriptor.size));
  }
  return std::move(*file);
}

std::optional<std::string> ImportSource::find_text(const std::string& name) {
  const std::optional<StagedFile> file = find(name);
  if (!file) return std::nullopt;
  return read_staged(*file, name);
}

std::string read_staged(const StagedFile& file, const std::string& name) {
  if (file.size > kMaxDocument) {
    refuse("image archive: " + name,
           fmt::format("{} bytes are too many for a document", file.size));
  }
  return read_file(file.path);
}

std::unique_ptr<ImportSource> open_import_source(const std::string& from,
                                                 images::Workspace& workspace, ByteBudget& budget) {
  if (from == "-") return std::make_unique<ArchiveSource>(0, "standard input", workspace, budget);
  UniqueFd opened = sys::open(from.c_str(), O_RDONLY).or_throw(from);
  if (S_ISDIR(sys::fstat(opened.get()).or_throw(from).st_mode)) {
    return std::make_unique<DirectorySource>(std::move(opened), from, workspace, budget);
  }
  return std::make_unique<ArchiveSource>(opened.get(), from, workspace, budget);
}

}  // namespace minidocker::images_unpack
