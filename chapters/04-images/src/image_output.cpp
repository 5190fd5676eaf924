#include "minidocker/images_unpack/image_output.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "minidocker/images_unpack/tar_writer.hpp"
#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/files.hpp"
#include "minidocker/toolbox/sys/file.hpp"
#include "minidocker/toolbox/sys/tree.hpp"

namespace minidocker::images_unpack {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;

template <class Write>
void copy(ByteStream& content, Write write) {
  std::vector<char> buffer(kPieceBytes);
  while (const std::size_t got = content.read(buffer.data(), buffer.size())) {
    write(std::string_view(buffer.data(), got));
  }
}

class TarOutput final : public ImageOutput {
 public:
  explicit TarOutput(int fd) : sink_(fd, "the archive"), writer_(sink_) {}

  void add_directory(const std::string& name) override {
    TarEntry entry;
    entry.type = TarEntry::Type::directory;
    entry.name = name;
    entry.mode = 0755;
    writer_.add(entry);
  }
  void add_file(const std::string& name, std::uint64_t size, ByteStream& content) override {
    TarEntry entry;
    entry.name = name;
    entry.mode = 0644;
    entry.size = size;
    writer_.add(entry);
    copy(content, [this](std::string_view data) { writer_.write_data(data); });
  }
  void finish() override { writer_.finish(); }

 private:
  FdSink sink_;
  TarWriter writer_;
};

// By descriptor: whoever may reach nothing else any more can still write here.
class DirectoryOutput final : public ImageOutput {
 public:
  explicit DirectoryOutput(const std::string& dir) : name_(dir) {
    make_dirs(dir);
    dir_ = sys::open(dir.c_str(), O_RDONLY | O_DIRECTORY).or_throw(dir);
    if (list_dir(dir).empty()) return;
    throw Error(ErrorKind::conflict,
                fmt::format("{}: is not empty: give a new directory", minidocker::quoted(dir)));
  }

  void add_directory(const std::string& name) override {
    sys::mkdirat(dir_.get(), name.c_str(), 0755).or_throw(name_ + "/" + name);
  }
  void add_file(const std::string& name, std::uint64_t size, ByteStream& content) override {
    const std::string path = name_ + "/" + name;
    constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const UniqueFd file = sys::openat(dir_.get(), name.c_str(), kNew, 0644).or_throw(path);
    std::uint64_t written = 0;
    copy(content, [&](std::string_view data) {
      write_all(file.get(), data, path);
      written += data.size();
    });
    if (written == size) return;
    throw Error(ErrorKind::internal,
                fmt::format("{}: {} bytes were written instead of {}", path, written, size));
  }
  void finish() override { sys::syncfs(dir_.get()).or_throw(name_); }

 private:
  std::string name_;
  UniqueFd dir_;
};

}  // namespace

std::unique_ptr<ImageOutput> tar_output(int fd) { return std::make_unique<TarOutput>(fd); }

std::unique_ptr<ImageOutput> directory_output(const std::string& dir) {
  return std::make_unique<DirectoryOutput>(dir);
}

}  // namespace minidocker::images_unpack
