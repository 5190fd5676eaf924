#include "layer_paths.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

#include "minidocker/toolbox/error.hpp"
#include "minidocker/toolbox/sys/file.hpp"

namespace minidocker::unionfs {
namespace {

// Less than PATH_MAX by more than the longest name, so that a piece always ends at a slash.
constexpr std::size_t kLongestPiece = 3500;
constexpr std::uint64_t kResolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

sys::Result<UniqueFd> open_piece(int dir, std::string_view path, std::uint64_t flags) noexcept {
  std::array<char, kLongestPiece + 1> text;
  *std::copy(path.begin(), path.end(), text.begin()) = '\0';
  return sys::openat2(dir, path.empty() ? "." : text.data(), flags | O_DIRECTORY | O_NOFOLLOW,
                      kResolve);
}

}  // namespace

sys::Result<UniqueFd> open_layer_dir(int root, std::string_view path) noexcept {
  UniqueFd above;
  int from = root;
  while (path.size() > kLongestPiece) {
    const std::size_t end = path.rfind('/', kLongestPiece);
    sys::Result<UniqueFd> opened = open_piece(from, path.substr(0, end), O_PATH);
    if (!opened) return opened;
    above = std::move(opened).value();
    from = above.get();
    path.remove_prefix(end + 1);
  }
  return open_piece(from, path, O_RDONLY);
}

std::optional<std::vector<NamedType>> read_small_layer_dir(int dir, std::size_t most,
                                                           std::string_view what) {
  std::vector<NamedType> entries;
  alignas(struct dirent64) std::array<char, 64 * 1024> buffer;
  while (entries.size() <= most) {
    sys::Result<std::size_t> got = sys::getdents64(dir, buffer.data(), buffer.size());
    if (got.error() == ENOENT) return entries;  // removed meanwhile
    const std::size_t size = std::move(got).or_throw(quoted(what));
    if (size == 0) return entries;
    for (std::size_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const struct dirent64*>(buffer.data() + at);
      at += entry->d_reclen;
      const std::string_view name(entry->d_name);
      if (name != "." && name != "..") entries.push_back({std::string(name), entry->d_type});
    }
  }
  return std::nullopt;
}

std::vector<NamedType> read_layer_dir(int dir, std::string_view what) {
  sys::lseek(dir, 0, SEEK_SET).or_throw(quoted(what));
  return *read_small_layer_dir(dir, std::numeric_limits<std::size_t>::max(), what);
}

std::string joined(std::string_view parent, std::string_view name) {
  std::string path(parent);
  if (!path.empty()) path += '/';
  path += name;
  return path;
}

}  // namespace minidocker::unionfs
